# The decisions alone: no I/O.
add_executable(core_bench core_bench.cpp)
postoffice_configure(core_bench)
target_include_directories(core_bench PRIVATE ${PROJECT_SOURCE_DIR}/lib)
target_link_libraries(core_bench PRIVATE postoffice::postoffice benchmark::benchmark)
