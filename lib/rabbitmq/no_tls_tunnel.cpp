// Instead of tls_tunnel.cpp where there is no OpenSSL.
#include "rabbitmq/tls_tunnel.hpp"

namespace postoffice::rabbitmq {

bool tls_is_built_in() { return false; }

class TlsTunnel::Impl {};

TlsTunnel::TlsTunnel() = default;

TlsTunnel::~TlsTunnel() = default;

int TlsTunnel::open(const Address&, std::chrono::milliseconds, std::string& trouble) {
  trouble = "TLS is not built in";
  return -1;
}

void TlsTunnel::abort() {}

}  // namespace postoffice::rabbitmq
