# Around a whole daemon; for bench/suite/stage_end_to_end.py.
add_executable(end_to_end_bench end_to_end.cpp)
postoffice_configure(end_to_end_bench)
target_include_directories(end_to_end_bench PRIVATE ${PROJECT_SOURCE_DIR}/tests
                                                    ${PROJECT_SOURCE_DIR}/lib)
target_link_libraries(end_to_end_bench PRIVATE postoffice::postoffice PostgreSQL::PostgreSQL)
