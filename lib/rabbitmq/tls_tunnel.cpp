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
#include "postoffice/error.hpp"

namespace postoffice::rabbitmq {
namespace {

using SteadyTime = std::chrono::steady_clock::time_point;
using Piece = std::array<char, 64 << 10>;

bool is_ip_address(const std::string& host) {
  std::error_code error;
  asio::ip::make_address(host, error);
  return !error;
}

Failure set_up(asio::ssl::context& context, const Tls& tls) {
  using Method = asio::ssl::context;
  context.set_options(Method::default_workarounds | Method::no_tlsv1 | Method::no_tlsv1_1);
  context.set_verify_mode(tls.verify ? asio::ssl::verify_peer : asio::ssl::verify_none);
  std::error_code error;
  // OpenSSL would prompt at the terminal.
  context.set_password_callback([](std::size_t, auto) { return std::string(); }, error);
  const auto unusable = [&](const std::string& file) -> Failure {
    return {error, "the file " + file + " cannot be used: " + error.message()};
  };
  if (tls.ca_file.empty()) {
    context.set_default_verify_paths(error);
    if (error) return unusable("of the certificates that the system trusts");
  } else {
    context.load_verify_file(tls.ca_file, error);
    if (error) return unusable(tls.ca_file);
  }
  if (tls.certificate.empty()) return {};
  context.use_certificate_chain_file(tls.certificate, error);
  if (error) return unusable(tls.certificate);
  context.use_private_key_file(tls.key, Method::pem, error);
  if (error) return unusable(tls.key);
  return {};
}

}  // namespace

bool tls_is_built_in() { return true; }

Failure check_files(const Tls& tls) {
  asio::ssl::context context(asio::ssl::context::tls_client);
  return set_up(context, tls);
}

class TlsTunnel::Impl {
 public:
  ~Impl() {
    abort();
    if (thread_.joinable()) thread_.join();
  }

  Result<int> open(const Address& address, SteadyTime deadline) {
    if (auto failure = set_up(tls_, *address.tls)) return failure;
    broker_.emplace(context_, tls_);
    if (auto failure = connect(address, deadline)) return failure;
    if (auto failure = shake_hands(address, deadline)) return failure;
    std::error_code error;
    asio::local::stream_protocol::socket plain_end(context_);
    asio::local::connect_pair(plain_, plain_end, error);
    if (!error) plain_end.native_non_blocking(true, error);  // as rabbitmq-c makes its own
    const int descriptor = error ? -1 : plain_end.release(error);
    if (descriptor < 0 || error) {
      return Failure(Error::unavailable, "no socket: " + error.message());
    }
    from_broker();
    to_broker();
    context_.restart();
    auto failure = start_thread();
    if (!failure) return descriptor;
    ::close(descriptor);
    return failure;
  }

  void abort() {
    asio::post(context_, [this] { close(); });
  }

  std::string last_words() const {
    const std::lock_guard lock(mutex_);
    return last_words_;
  }

 private:
  Failure start_thread() {
    try {
      thread_ = std::thread([this] {
        name_this_thread("broker-tls");
        context_.run();
      });
      return {};
    } catch (const std::system_error& error) {
      return {error.code(), std::string("no thread for TLS: ") + error.what()};
    }
  }

  Failure connect(const Address& address, SteadyTime deadline) {
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
    if (error) return {error, "no connection: " + error.message()};
    return {};
  }

  Failure shake_hands(const Address& address, SteadyTime deadline) {
    const auto& given = address.tls->server_name;
    const auto name = given.empty() ? address.host : given;
    SSL* const session = broker_->native_handle();
    if (!is_ip_address(name)) SSL_set_tlsext_host_name(session, name.c_str());
    if (address.tls->verify) broker_->set_verify_callback(asio::ssl::host_name_verification(name));
    const auto error = finish(deadline, [&](auto done) {
      broker_->async_handshake(asio::ssl::stream_base::client, done);
    });
    if (!error) return {};
    auto reason = "no TLS with " + name + ": " + error.message();
    const auto verified = SSL_get_verify_result(session);
    if (ERR_GET_REASON(static_cast<unsigned long>(error.value())) == SSL_R_WRONG_VERSION_NUMBER) {
      reason +=
          ": port " + std::to_string(address.port) + " does not speak TLS (the usual port is 5671)";
    }
    if (!address.tls->verify) return {error, reason};
    if (verified != X509_V_OK) {
      reason += std::string(": ") + X509_verify_cert_error_string(verified);
    } else if (SSL_get0_peername(session) == nullptr &&
               error.message().find("verify failed") != std::string::npos) {
      reason += ": the certificate is for another host";
    }
    return {error, reason};
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

Result<int> TlsTunnel::open(const Address& address, std::chrono::milliseconds limit) {
  return impl_->open(address, std::chrono::steady_clock::now() + limit);
}

void TlsTunnel::abort() { impl_->abort(); }

std::string TlsTunnel::last_words() const { return impl_->last_words(); }

}  // namespace postoffice::rabbitmq
