# The journal's benches; included by bench/CMakeLists.txt.
find_package(benchmark REQUIRED)

add_executable(journal_bench ${CMAKE_CURRENT_LIST_DIR}/journal_bench.cpp)
target_link_libraries(journal_bench PRIVATE postoffice::postoffice benchmark::benchmark)
target_include_directories(journal_bench PRIVATE ${PROJECT_SOURCE_DIR}/lib)
postoffice_configure(journal_bench)

add_executable(floor_fdatasync ${CMAKE_CURRENT_LIST_DIR}/floor_fdatasync.cpp)
postoffice_configure(floor_fdatasync)

add_executable(recovery_bench ${CMAKE_CURRENT_LIST_DIR}/recovery_bench.cpp)
target_link_libraries(recovery_bench PRIVATE postoffice::postoffice)
postoffice_configure(recovery_bench)
