// The opt-in header works against the installed package.
#include <postoffice/asio_event_loop.hpp>

int main() {
  asio::io_context context;
  const auto loop = postoffice::make_asio_event_loop(context);
  bool ran = false;
  loop->post([&] { ran = true; });
  context.run();
  return ran ? 0 : 1;
}
