# Programs for ingress_bench.sh.
add_executable(bench_floor_epoll floor_epoll.cpp)
postoffice_configure(bench_floor_epoll)

add_executable(bench_ingress_server ingress_server.cpp)
postoffice_configure(bench_ingress_server)
target_link_libraries(bench_ingress_server PRIVATE postoffice::postoffice)
