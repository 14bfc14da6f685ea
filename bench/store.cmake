# Storing: upsert_bench CONNINFO [batch [pairs]], for example
#   tests/support/postgres_cluster.sh run sh -c 'upsert_bench "$POSTOFFICE_TEST_POSTGRES"'
add_executable(upsert_bench ${CMAKE_CURRENT_LIST_DIR}/upsert_bench.cpp)
postoffice_configure(upsert_bench)
target_compile_definitions(upsert_bench PRIVATE
  FLOOR_UPSERT_SQL="${CMAKE_CURRENT_LIST_DIR}/floor_upsert.sql")
target_link_libraries(upsert_bench PRIVATE postoffice::postoffice PostgreSQL::PostgreSQL)

add_executable(expiry_bench ${CMAKE_CURRENT_LIST_DIR}/expiry_bench.cpp)
postoffice_configure(expiry_bench)
target_link_libraries(expiry_bench PRIVATE postoffice::postoffice)

# What --flush-delay preloads into the server.
add_library(slow_flush MODULE ${CMAKE_CURRENT_LIST_DIR}/slow_flush.cpp)
postoffice_configure(slow_flush)
set_target_properties(slow_flush PROPERTIES PREFIX "")
target_link_libraries(slow_flush PRIVATE ${CMAKE_DL_LIBS})
