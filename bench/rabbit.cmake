# Publishing to RabbitMQ: rabbit_bench [pairs [callbacks]], for example
#   tests/support/rabbit_broker.sh run build/release/bench/rabbit_bench
if(NOT TARGET postoffice::rabbitmq)
  return()
endif()
add_executable(rabbit_bench ${CMAKE_CURRENT_LIST_DIR}/rabbit_bench.cpp)
postoffice_configure(rabbit_bench)
target_link_libraries(rabbit_bench PRIVATE postoffice::rabbitmq RabbitmqC::RabbitmqC)
