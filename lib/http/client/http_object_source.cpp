#include "postoffice/defaults/http_object_source.hpp"

#include <stdexcept>
#include <utility>

#include "http/client/fetch_pool.hpp"

namespace postoffice {
namespace {

void require(bool holds, const char* problem) {
  if (!holds) throw std::invalid_argument(std::string("source options: ") + problem);
}

HttpObjectSourceOptions checked(HttpObjectSourceOptions options) {
  require(options.connections_max > 0, "connections_max must be at least 1");
  require(options.connecting_max > 0, "connecting_max must be at least 1");
  require(options.connect_timeout.count() > 0, "connect_timeout must be positive");
  require(options.idle_timeout.count() > 0, "idle_timeout must be positive");
  require(options.resolve_every.count() > 0, "resolve_every must be positive");
  require(options.header_bytes_max > 0, "header_bytes_max must be at least 1");
  require(options.body_bytes_max > 0, "body_bytes_max must be at least 1");
  return options;
}

}  // namespace

class HttpObjectSource::Impl final : public http::FetchPool {
 public:
  using http::FetchPool::FetchPool;
};

HttpObjectSource::HttpObjectSource(EventLoop& loop, HttpObjectSourceOptions options, Log log)
    : impl_(std::make_shared<Impl>(loop, checked(std::move(options)),
                                   log_in_background(std::move(log)))) {}

HttpObjectSource::~HttpObjectSource() { impl_->stop(); }

void HttpObjectSource::fetch(ObjectId id, std::chrono::milliseconds timeout, Done done) {
  impl_->fetch(id, timeout, std::move(done));
}

HttpObjectSourceStatus HttpObjectSource::status() const { return impl_->status(); }

}  // namespace postoffice
