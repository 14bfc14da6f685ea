#include "rabbitmq/tls_tunnel.hpp"

#include <unistd.h>
#include <array>
#include <asio.hpp>
#include <asio/ssl.hpp>
#include <mutex>
#include <optional>
#include <system_error>
#include <thread>

#include "base/thread.hpp"

namespace postoffice::rabbitmq {
namespace {

using SteadyTime = std::chrono::steady_clock::time_point;
using Piece = std::array<char, 64 << 10>;

bool is_ip_address(const std::string& host) {
  std::error_code error;
  asio::ip::make_address(host, error);
  return !error;
}

bool set_up(asio::ssl::context& context, const Tls& tls, std::string& reason) {
  using Method = asio::ssl::context;
  context.set_options(Method::default_workarounds | Method::no_tlsv1 | Method::no_tlsv1_1);
  context.set_verify_mode(tls.verify ? asio::ssl::verify_peer : asio::ssl::verify_none);
  std::error_code error;
  // OpenSSL would prompt at the terminal.
  context.set_password_callback([](std::size_t, auto) { return std::string(); }, error);
  const auto used = [&](const std::string& file) {
    if (error) reason = "the file " + file + " cannot be used: " + error.message();
    return !error;
  };
  if (tls.ca_file.empty()) {
    context.set_default_verify_paths(error);
    if (!used("of the certificates that the system trusts")) return false;
  } else {
    context.load_verify_file(tls.ca_file, error);
    if (!used(tls.ca_file)) return false;
  }
  if (tls.certificate.empty()) return true;
  context.use_certificate_chain_file(tls.certificate, error);
  if (!used(tls.certificate)) return false;
  context.use_private_key_file(tls.key, Method::pem, error);
  return used(tls.key);
}

}  // namespace

bool tls_is_built_in() { return true; }

bool files_are_usable(const Tls& tls, std::string& reason) {
  asio::ssl::context context(asio::ssl::context::tls_client);
  return set_up(context, tls, reason);
}

class TlsTunnel::Impl {
 public:
  ~Impl() {
    abort();
    if (thread_.joinable()) thread_.join();
  }

  int open(const Address& address, SteadyTime deadline, std::string& reason) {
    if (!set_up(tls_, *address.tls, reason)) return -1;
    broker_.emplace(context_, tls_);
    if (!connect(address, deadline, reason) || !shake_hands(address, deadline, reason)) return -1;
    std::error_code error;
    asio::local::stream_protocol::socket plain_end(context_);
    asio::local::connect_pair(plain_, plain_end, error);
    if (!error) plain_end.native_non_blocking(true, error);  // as rabbitmq-c makes its own
    const int descriptor = error ? -1 : plain_end.release(error);
    if (descriptor < 0 || error) return reason = "no socket: " + error.message(), -1;
    from_broker();
    to_broker();
    context_.restart();
    if (start_thread(reason)) return descriptor;
    ::close(descriptor);
    return -1;
  }

  void abort() {
    asio::post(context_, [this] { close(); });
  }

  std::string last_words() const {
    const std::lock_guard lock(mutex_);
    return last_words_;
  }

 private:
  bool start_thread(std::string& reason) {
    try {
      thread_ = std::thread([this] {
        name_this_thread("broker-tls");
        context_.run();
      });
      return true;
    } catch (const std::system_error& error) {
      reason = std::string("no thread for TLS: ") + error.what();
      return false;
    }
  }

  bool connect(const Address& address, SteadyTime deadline, std::string& reason) {
    std::error_code error;
    asio::ip::tcp::resolver resolver(context_);
    const auto endpoints = resolver.resolve(address.host, std::to_string(address.port), error);
    if (!error) {
      error = finish(deadline, [&](auto done) {
        asio::async_connect(broker_->next_layer(), endpoints,
                            [done](std::error_code result, const auto&) { done(result); });
      });
    }
    if (!error) broker_->next_layer().set_option(asio::ip::tcp::no_delay(true), error);
    if (error) reason = "no connection: " + error.message();
    return !error;
  }

  bool shake_hands(const Address& address, SteadyTime deadline, std::string& reason) {
    const auto& given = address.tls->server_name;
    const auto name = given.empty() ? address.host : given;
    SSL* const session = broker_->native_handle();
    if (!is_ip_address(name)) SSL_set_tlsext_host_name(session, name.c_str());
    if (address.tls->verify) broker_->set_verify_callback(asio::ssl::host_name_verification(name));
    const auto error = finish(deadline, [&](auto done) {
      broker_->async_handshake(asio::ssl::stream_base::client, done);
    });
    if (!error) return true;
    reason = "no TLS with " + name + ": " + error.message();
    const auto verified = SSL_get_verify_result(session);
    if (ERR_GET_REASON(static_cast<unsigned long>(error.value())) == SSL_R_WRONG_VERSION_NUMBER) {
      reason +=
          ": port " + std::to_string(address.port) + " does not speak TLS (the usual port is 5671)";
    }
    if (!address.tls->verify) return false;
    if (verified != X509_V_OK) {
      reason += std::string(": ") + X509_verify_cert_error_string(verified);
    } else if (SSL_get0_peername(session) == nullptr &&
               error.message().find("verify failed") != std::string::npos) {
      reason += ": the certificate is for another host";
    }
    return false;
  }

  /// Runs what `start` begins to its end, or to the deadline.
  template <typename Start>
  std::error_code finish(SteadyTime deadline, Start start) {
    std::optional<std::error_code> result;
    start([&result](std::error_code error) { result = error; });
    context_.restart();
    while (!result && context_.run_one_until(deadline) > 0) {
    }
    if (result) return *result;
    close();
    context_.restart();
    context_.run();
    return std::make_error_code(std::errc::timed_out);
  }

  void to_broker() {
    plain_.async_read_some(asio::buffer(up_), [this](std::error_code error, std::size_t count) {
      if (error) return close();
      asio::async_write(*broker_, asio::buffer(up_, count),
                        [this](std::error_code failed, std::size_t) {
                          // Why this failed is known to from_broker(), which closes.
                          if (!failed) to_broker();
                        });
    });
  }

  void from_broker() {
    broker_->async_read_some(asio::buffer(down_), [this](std::error_code error, std::size_t count) {
      if (error) return close_because(error);
      asio::async_write(plain_, asio::buffer(down_, count),
                        [this](std::error_code failed, std::size_t) {
                          if (failed) return close();
                          from_broker();
                        });
    });
  }

  /// Only an alert is an OpenSSL error; the end of a connection is not.
  void close_because(std::error_code error) {
    if (error.category() == asio::error::get_ssl_category()) {
      const std::lock_guard lock(mutex_);
      last_words_ = error.message();
    }
    close();
  }

  void close() {
    std::error_code ignored;
    plain_.close(ignored);
    if (broker_) broker_->next_layer().close(ignored);
  }

  asio::io_context context_{1};
  asio::ssl::context tls_{asio::ssl::context::tls_client};
  std::optional<asio::ssl::stream<asio::ip::tcp::socket>> broker_;
  asio::local::stream_protocol::socket plain_{context_};
  Piece up_;
  Piece down_;
  mutable std::mutex mutex_;
  std::string last_words_;
  std::thread thread_;
};

TlsTunnel::TlsTunnel() : impl_(std::make_unique<Impl>()) {}

TlsTunnel::~TlsTunnel() = default;

int TlsTunnel::open(const Address& address, std::chrono::milliseconds limit, std::string& reason) {
  return impl_->open(address, std::chrono::steady_clock::now() + limit, reason);
}

void TlsTunnel::abort() { impl_->abort(); }

std::string TlsTunnel::last_words() const { return impl_->last_words(); }

}  // namespace postoffice::rabbitmq
