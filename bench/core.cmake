# The decisions alone: no I/O.
add_executable(core_bench core_bench.cpp)
postoffice_configure(core_bench)
target_include_directories(core_bench PRIVATE ${PROJECT_SOURCE_DIR}/lib)
target_link_libraries(core_bench PRIVATE postoffice::postoffice benchmark::benchmark)

# Resident memory of a whole pipeline on fakes.
add_executable(memory_bench memory_bench.cpp)
postoffice_configure(memory_bench)
target_link_libraries(memory_bench PRIVATE postoffice::postoffice)
