# How close HttpObjectSource comes to concurrency / latency, and what a fetch costs.
add_executable(fetch_bench fetch_bench.cpp)
postoffice_configure(fetch_bench)
target_link_libraries(fetch_bench PRIVATE postoffice::postoffice)

# How well a whole pipeline follows a source whose capacity changes.
add_executable(follow_bench follow_bench.cpp)
postoffice_configure(follow_bench)
target_link_libraries(follow_bench PRIVATE postoffice::postoffice)

# How long a callback of 200 ids takes against its slowest answer.
add_executable(cold_bench cold_bench.cpp)
postoffice_configure(cold_bench)
target_link_libraries(cold_bench PRIVATE postoffice::postoffice)
