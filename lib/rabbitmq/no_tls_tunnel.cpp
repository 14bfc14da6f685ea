// Instead of tls_tunnel.cpp where there is no OpenSSL.
#include "postoffice/error.hpp"
#include "rabbitmq/tls_tunnel.hpp"

namespace postoffice::rabbitmq {

namespace {

Failure not_built_in() { return {Error::bad_options, "TLS is not built in"}; }

}  // namespace

bool tls_is_built_in() { return false; }

Failure check_files(const Tls&) { return not_built_in(); }

class TlsTunnel::Impl {};

TlsTunnel::TlsTunnel() = default;

TlsTunnel::~TlsTunnel() = default;

Result<int> TlsTunnel::open(const Address&, std::chrono::milliseconds) { return not_built_in(); }

void TlsTunnel::abort() {}

std::string TlsTunnel::last_words() const { return {}; }

}  // namespace postoffice::rabbitmq
