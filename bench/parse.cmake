# Reading callbacks; simdjson is a peer, wanted but not needed.
add_executable(parser_bench parser_bench.cpp
  ${PROJECT_SOURCE_DIR}/tests/support/allocation_count.cpp)
postoffice_configure(parser_bench)
target_include_directories(parser_bench PRIVATE ${PROJECT_SOURCE_DIR}/lib
                                                ${PROJECT_SOURCE_DIR}/tests)
target_include_directories(parser_bench SYSTEM PRIVATE ${RapidJSON_INCLUDE_DIRS}
                                                       ${RAPIDJSON_INCLUDE_DIRS})
target_link_libraries(parser_bench PRIVATE postoffice::postoffice benchmark::benchmark)
find_package(simdjson QUIET)
if(simdjson_FOUND)
  target_compile_definitions(parser_bench PRIVATE POSTOFFICE_BENCH_SIMDJSON)
  target_link_libraries(parser_bench PRIVATE simdjson::simdjson)
endif()
