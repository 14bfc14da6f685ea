# How close HttpObjectSource comes to concurrency / latency, and what a fetch costs.
add_executable(fetch_bench fetch_bench.cpp)
postoffice_configure(fetch_bench)
target_link_libraries(fetch_bench PRIVATE postoffice::postoffice)
