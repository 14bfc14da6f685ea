// The broker under TLS: nothing is lost, and nobody else is taken for it.
#include <doctest/doctest.h>

#include <asio.hpp>
#include <fstream>

#include "rabbitmq/broker_load.hpp"

using namespace postoffice;
using namespace postoffice::testing;
using namespace std::chrono_literals;

namespace {

std::string ca_query() {
  const std::string url = rabbit_url();
  return url.substr(url.find('?'));
}

std::string url_with(const std::string& query) {
  const std::string url = rabbit_url();
  return url.substr(0, url.find('?')) + query;
}

/// A publisher that tries again and again: on a busy machine an attempt may fail for want of time.
struct Attempts {
  explicit Attempts(const std::string& url) {
    auto options = rabbit_options();
    options.url = url;
    loop.start();
    publisher = std::make_unique<RabbitPublisher>(options, clock, log.log());
  }
  ~Attempts() {
    publisher.reset();
    loop.stop();
    CHECK(log.all().find("guest:guest") == std::string::npos);
  }
  EventLog log;
  EventLoop loop;
  SystemClock clock{loop};
  std::unique_ptr<RabbitPublisher> publisher;
};

void is_refused(const std::string& url, const std::string& why) {
  Attempts attempts(url);
  CHECK_MESSAGE(within(20s, [&] { return attempts.log.count(why) > 0; }), attempts.log.all());
  CHECK_FALSE(attempts.publisher->status().connected);
}

void is_let_in(const std::string& url) {
  Attempts attempts(url);
  CHECK_MESSAGE(within(20s, [&] { return attempts.publisher->status().connected; }),
                attempts.log.all());
}

}  // namespace

TEST_CASE("under TLS, a broker that is killed and comes back loses nothing accepted (S1, S9)") {
  REQUIRE(std::string(rabbit_url()).starts_with("amqps://"));
  Installation all;
  std::this_thread::sleep_for(2s);  // RabbitMQ 3.10 needs a moment to remember a new queue for good
  Flood flood(*all.publisher, 0);
  REQUIRE(grows(flood, 5'001));
  rabbit_broker("kill");
  REQUIRE(within(10s, [&] { return flood.refused() > 100; }));
  rabbit_broker("restart");
  REQUIRE(all.ready());
  REQUIRE(grows(flood, 5'001));
  flood.stop();
  CHECK(all.arrives(flood));
  CHECK(flood.slowest() < 1'000ms);
}

TEST_CASE("whoever is not the broker of the URL is refused, and why is said") {
  is_refused(url_with(""), "certificate");
  const auto ca = ca_query();
  is_refused(url_with(ca + "&server_name_indication=other.example"), "other.example");
  is_refused(url_with("?cacertfile=/nonexistent.pem"), "/nonexistent.pem");
  is_refused(url_with(ca + "&certfile=/nonexistent.pem&keyfile=/k"), "/nonexistent.pem");
}

TEST_CASE("a plain broker is told apart, and asked nothing of its certificate") {
  std::ifstream ports(std::string(std::getenv("POSTOFFICE_TEST_BROKER")) + "/ports");
  std::string plain;
  ports >> plain;
  is_refused("amqps://127.0.0.1:" + plain, "port " + plain + " does not speak TLS");
}

TEST_CASE("a key with a pass phrase is refused, and nobody is asked for it") {
  const auto directory = std::string(std::getenv("POSTOFFICE_TEST_BROKER")) + "/tls/";
  const auto locked = directory + "locked.pem";
  REQUIRE(std::system(("openssl rsa -in " + directory + "key.pem -aes128 -passout pass:some -out " +
                       locked + " 2>/dev/null")
                          .c_str()) == 0);
  const auto ca = ca_query();
  is_refused(url_with(ca + "&certfile=" + directory + "certificate.pem&keyfile=" + locked), locked);
}

TEST_CASE("a broker need not be verified, if the URL says so") {
  is_let_in(url_with("?verify=verify_none"));
}

TEST_CASE("what speaks no TLS is refused within its time, and stopping does not wait for it") {
  asio::io_context context;
  asio::ip::tcp::acceptor silent(context, {asio::ip::make_address("127.0.0.1"), 0});
  const auto port = std::to_string(silent.local_endpoint().port());
  is_refused("amqps://127.0.0.1:" + port, "no TLS");

  auto options = rabbit_options();
  options.url = "amqps://127.0.0.1:" + port;
  EventLoop loop;
  SystemClock clock(loop);
  loop.start();
  const auto begun = std::chrono::steady_clock::now();
  {
    const RabbitPublisher publisher(options, clock, {});
    std::this_thread::sleep_for(200ms);  // it is shaking hands with nobody
  }
  CHECK(std::chrono::steady_clock::now() - begun < 1s);
}

TEST_CASE("a certificate of ours that the broker misses is asked for in its own words") {
  const auto directory = std::string(std::getenv("POSTOFFICE_TEST_BROKER"));
  std::ofstream(directory + "/rabbitmq.conf", std::ios::app)
      << "ssl_options.verify = verify_peer\nssl_options.fail_if_no_peer_cert = true\n";
  rabbit_broker("restart");
  is_refused(rabbit_url(), "certificate required");
  is_let_in(std::string(rabbit_url()) + "&certfile=" + directory +
            "/tls/certificate.pem&keyfile=" + directory + "/tls/key.pem");
}
