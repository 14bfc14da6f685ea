// Instead of tls_tunnel.cpp where there is no OpenSSL.
#include "rabbitmq/tls_tunnel.hpp"

namespace postoffice::rabbitmq {

namespace {

constexpr const char* not_built_in = "TLS is not built in";

}  // namespace

bool tls_is_built_in() { return false; }

bool files_are_usable(const Tls&, std::string& reason) {
  reason = not_built_in;
  return false;
}

class TlsTunnel::Impl {};

TlsTunnel::TlsTunnel() = default;

TlsTunnel::~TlsTunnel() = default;

int TlsTunnel::open(const Address&, std::chrono::milliseconds, std::string& reason) {
  reason = not_built_in;
  return -1;
}

void TlsTunnel::abort() {}

std::string TlsTunnel::last_words() const { return {}; }

}  // namespace postoffice::rabbitmq
