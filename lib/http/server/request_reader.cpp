#include "http/server/request_reader.hpp"

#include <algorithm>

namespace postoffice::http {
namespace {

// Limit of a chunked body's framing, in addition to the body: enough for chunks of one byte each,
// but not for chunk extensions of any size.
constexpr std::size_t chunk_overhead_max = 16 * 1024;
constexpr std::size_t chunk_overhead_per_byte_max = 8;

}  // namespace

RequestReader& RequestReader::self(llhttp_t* parser) {
  return *static_cast<RequestReader*>(parser->data);
}

const llhttp_settings_t& RequestReader::settings() {
  static const llhttp_settings_t settings = [] {
    llhttp_settings_t made;
    llhttp_settings_init(&made);
    made.on_headers_complete = [](llhttp_t* parser) {
      self(parser).request_.keep_alive = llhttp_should_keep_alive(parser) != 0;
      // An offer to upgrade is ignored (RFC 9110 7.8): some clients, Java's for example, make one
      // with every request.
      parser->upgrade = 0;
      return 0;
    };
    // Pausing there shows where the message ends.
    made.on_message_complete = [](llhttp_t*) { return static_cast<int>(HPE_PAUSED); };
    return made;
  }();
  return settings;
}

RequestReader::RequestReader(RequestLimits limits, RecentHeads& recent)
    : limits_(limits),
      recent_(recent),
      scan_(HeaderScan::Kind::request, limits.header),
      chunked_(limits.header) {
  llhttp_init(&parser_, HTTP_REQUEST, &settings());
  parser_.data = this;
}

void RequestReader::next() {
  scan_.reset();
  request_ = {};
  stage_ = Stage::head;
  proceed_said_ = false;
  skipped_ = head_size_ = size_ = 0;
  chunked_ = ChunkedBody(limits_.header);
  if (chunks_.capacity() > 0) chunks_ = {};
}

RequestReader::Step RequestReader::refuse(int status, std::string_view reason) {
  status_ = status;
  reason_ = reason;
  return Step::refused;
}

RequestReader::Step RequestReader::read(std::string_view bytes) {
  switch (stage_) {
    case Stage::head: return read_head(bytes);
    case Stage::sized_body: break;
    case Stage::chunked_body: return read_chunked_body(bytes);
  }
  return read_sized_body(bytes);
}

RequestReader::Step RequestReader::read_head(std::string_view bytes) {
  if (const auto* known = recent_.find(bytes)) return take_known_head(*known, bytes);
  if (!skip_empty_lines(bytes)) return Step::refused;
  if (bytes.substr(skipped_) == "\r" || bytes.size() == skipped_) return Step::more;
  const auto verdict = scan_.scan(bytes.substr(skipped_));
  if (verdict == HeaderScan::Verdict::incomplete) return Step::more;
  if (verdict != HeaderScan::Verdict::complete) return refuse_head(verdict);
  head_size_ = skipped_ + scan_.size();
  return parse_head(bytes);
}

bool RequestReader::skip_empty_lines(std::string_view bytes) {
  while (bytes.substr(skipped_).starts_with('\r') && bytes.size() > skipped_ + 1) {
    if (bytes[skipped_ + 1] != '\n') {
      refuse(400, "there is a CR without LF");
      return false;
    }
    if (skipped_ == 2 * empty_lines_max) {
      refuse(400, "there are too many empty lines before the request");
      return false;
    }
    skipped_ += 2;
  }
  return true;
}

RequestReader::Step RequestReader::take_known_head(const RecentHeads::Head& head,
                                                   std::string_view bytes) {
  request_.method = bytes.substr(0, head.method_size);
  request_.target = bytes.substr(head.method_size + 1, head.target_size);
  request_.keep_alive = head.keep_alive;
  request_.version_is_1_0 = head.version_is_1_0;
  head_size_ = head.text.size();
  size_ = head_size_ + head.body_size;
  stage_ = Stage::sized_body;
  return read_sized_body(bytes);
}

RequestReader::Step RequestReader::refuse_head(HeaderScan::Verdict verdict) {
  if (verdict == HeaderScan::Verdict::first_line_too_long) {
    return refuse(414, "the request line is too long");
  }
  return refuse(verdict == HeaderScan::Verdict::too_large ? 431 : 400, scan_.reason());
}

RequestReader::Step RequestReader::parse_head(std::string_view bytes) {
  const std::string_view head = bytes.substr(skipped_, scan_.size());
  llhttp_reset(&parser_);
  // llhttp 8.1 treats a tab after a value as part of it, but a space as white space.
  std::string without_tabs;
  if (head.find('\t') != std::string_view::npos) {
    without_tabs = head;
    std::replace(without_tabs.begin(), without_tabs.end(), '\t', ' ');
  }
  const std::string_view shown = without_tabs.empty() ? head : without_tabs;
  const llhttp_errno_t error = llhttp_execute(&parser_, shown.data(), shown.size());
  if (error == HPE_INVALID_METHOD) return refuse(501, "the method is not supported");
  // Paused: there is no body. Otherwise llhttp now waits for one.
  if (error != HPE_OK && error != HPE_PAUSED) {
    const char* why = llhttp_get_error_reason(&parser_);
    return refuse(400, std::string("the request is malformed: ") + (why != nullptr ? why : "?"));
  }
  request_.head = head;
  const std::string_view line = head.substr(0, head.find('\r'));
  request_.method = line.substr(0, line.find(' '));
  request_.target = line.substr(0, line.rfind(' ')).substr(request_.method.size() + 1);
  request_.content_coding = scan_.content_coding(head);
  request_.version_is_1_0 = scan_.version_is_1_0();
  if (scan_.expects_unknown()) return refuse(417, "the expectation cannot be met");
  if (error == HPE_PAUSED && request_.version_is_1_0 && !scan_.has_content_length() &&
      request_.method == "POST") {
    return refuse(400, "the body of an HTTP/1.0 request needs a Content-Length");
  }
  if (error == HPE_PAUSED) {
    size_ = head_size_;
    remember_head(head);
    return Step::complete;
  }
  return begin_body(bytes);
}

void RequestReader::remember_head(std::string_view head) {
  if (skipped_ > 0 || scan_.expects_continue() || !request_.content_coding.empty() ||
      head.size() > RecentHeads::text_max)
    return;
  recent_.put(head, {{},
                     request_.method.size(),
                     request_.target.size(),
                     size_ - head_size_,
                     request_.keep_alive,
                     request_.version_is_1_0});
}

RequestReader::Step RequestReader::begin_body(std::string_view bytes) {
  if (scan_.chunked()) {
    stage_ = Stage::chunked_body;
  } else {
    if (parser_.content_length > limits_.body_max) return refuse(413, "the body is too large");
    stage_ = Stage::sized_body;
    size_ = head_size_ + static_cast<std::size_t>(parser_.content_length);
    remember_head(bytes.substr(skipped_, scan_.size()));
  }
  const Step step = read(bytes);
  if (step == Step::more && scan_.expects_continue() && !request_.version_is_1_0 &&
      bytes.size() == head_size_ && !proceed_said_) {
    proceed_said_ = true;
    return Step::proceed;
  }
  return step;
}

// The bytes may have moved since the head was read, and the views with them.
void RequestReader::show_head(std::string_view bytes) {
  const std::string_view head = bytes.substr(skipped_);
  request_.head = head.substr(0, head_size_ - skipped_);
  request_.method = head.substr(0, request_.method.size());
  request_.target = head.substr(request_.method.size() + 1, request_.target.size());
  if (!request_.content_coding.empty()) request_.content_coding = scan_.content_coding(head);
}

RequestReader::Step RequestReader::read_sized_body(std::string_view bytes) {
  if (bytes.size() < size_) return Step::more;
  show_head(bytes);
  request_.body = bytes.substr(head_size_, size_ - head_size_);
  return Step::complete;
}

RequestReader::Step RequestReader::read_chunked_body(std::string_view bytes) {
  const auto step = chunked_.read(bytes.substr(head_size_), limits_.body_max, chunks_);
  if (chunks_.size() > limits_.body_max) return refuse(413, "the body is too large");
  if (step == ChunkedBody::Step::malformed) return refuse(400, chunked_.reason());
  if (step == ChunkedBody::Step::too_large) return refuse(413, chunked_.reason());
  const std::size_t raw = chunked_.position();
  if (raw > limits_.body_max + chunk_overhead_max ||
      raw > chunks_.size() * (chunk_overhead_per_byte_max + 1) + chunk_overhead_max) {
    return refuse(413, "the framing of the chunks is too large");
  }
  if (step == ChunkedBody::Step::more) return Step::more;
  size_ = head_size_ + raw;
  show_head(bytes);
  request_.body = chunks_;
  return Step::complete;
}

}  // namespace postoffice::http
