// The whole service in one object.
#include <cstdio>

#include "postoffice/office.hpp"

int main(int count, char** arguments) {
  postoffice::Office office({.listen = count > 1 ? arguments[1] : "localhost:9090",
                             .data_dir = "postoffice",
                             .source = "http://localhost:9010/objects/{id}"});
  if (const auto error = office.start()) return std::puts(error.message.c_str()), 1;
  std::puts("accepting callbacks; Enter stops");
  std::getchar();
  office.stop_and_wait();
  std::puts("stopped");
}
