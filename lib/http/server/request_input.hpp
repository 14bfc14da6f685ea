// The bytes of one connection's requests.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "http/server/request_reader.hpp"
#include "http/server/service.hpp"

namespace postoffice::http {

/// Parses what has arrived, and keeps the bytes of an incomplete request. All connections together
/// may keep a limited amount.
class RequestInput {
 public:
  RequestInput(const ServerLimits& limits, ServerTotals& totals, RecentHeads& recent_heads)
      : limits_(limits), totals_(totals), reader_(limits.request, recent_heads) {}
  ~RequestInput() { drop_kept(); }
  RequestInput(const RequestInput&) = delete;
  RequestInput& operator=(const RequestInput&) = delete;

  /// False if there is no room for it.
  bool keep(std::string_view bytes);
  /// Drops the first `count` bytes that are kept; all of them by default.
  void drop_kept(std::size_t count = std::string_view::npos);
  std::string_view kept() const { return kept_; }
  bool keeps_any() const { return !kept_.empty(); }

  /// How many bytes of empty lines `bytes` begin with. Some clients send one after a body. It does
  /// not begin a request, nor its deadline.
  std::size_t empty_lines(std::string_view bytes);

  /// Of the request that `bytes` begin with.
  RequestReader::Step read(std::string_view bytes) { return reader_.read(bytes); }
  /// The request was handled.
  void next();
  const RequestReader& reader() const { return reader_; }

 private:
  const ServerLimits& limits_;
  ServerTotals& totals_;
  unsigned char empty_lines_ = 0;  // since the last request
  std::string kept_;
  RequestReader reader_;
};

}  // namespace postoffice::http
