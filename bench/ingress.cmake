# The ingress alone, and the least that a server of its kind has to do.
add_executable(bench_floor_epoll floor_epoll.cpp)
postoffice_configure(bench_floor_epoll)
target_include_directories(bench_floor_epoll PRIVATE ${PROJECT_SOURCE_DIR}/lib)

add_executable(bench_ingress_server ingress_server.cpp)
postoffice_configure(bench_ingress_server)
target_include_directories(bench_ingress_server PRIVATE ${PROJECT_SOURCE_DIR}/lib)
target_link_libraries(bench_ingress_server PRIVATE postoffice::postoffice)
