#include "http/client/response_reader.hpp"

#include <algorithm>

#include "http/client/retry_after.hpp"

namespace postoffice::http {
namespace {

// A larger buffer than this is not kept for the next response.
constexpr std::size_t kept_capacity = 512;

void clear(std::string& text) {
  text.clear();
  if (text.capacity() > kept_capacity) text.shrink_to_fit();
}

}  // namespace

struct ResponseReader::Callbacks {
  static ResponseReader& self(llhttp_t* parser) {
    return *static_cast<ResponseReader*>(parser->data);
  }

  // The header block is given to llhttp in one piece, so a name or value comes in one piece too.
  static int field(llhttp_t* parser, const char* at, std::size_t length) {
    self(parser).field_ = std::string_view(at, length);
    return 0;
  }

  static int value(llhttp_t* parser, const char* at, std::size_t length) {
    ResponseReader& reader = self(parser);
    if (equals_ignoring_case(reader.field_, "retry-after")) {
      reader.retry_after_ = parse_retry_after({at, length}, std::chrono::system_clock::now());
    }
    return 0;
  }

  static int head_complete(llhttp_t* parser) { return self(parser).head_complete(); }

  static int body(llhttp_t* parser, const char* at, std::size_t length) {
    return self(parser).body_bytes({at, length});
  }

  static int message_complete(llhttp_t* parser) {
    self(parser).message_complete();
    return HPE_PAUSED;
  }

  static const llhttp_settings_t& settings() {
    static const llhttp_settings_t value = [] {
      llhttp_settings_t all;
      llhttp_settings_init(&all);
      all.on_header_field = field;
      all.on_header_value = Callbacks::value;
      all.on_headers_complete = head_complete;
      all.on_body = body;
      all.on_message_complete = message_complete;
      return all;
    }();
    return value;
  }
};

ResponseReader::ResponseReader(ResponseLimits limits)
    : limits_(limits),
      scan_(HeaderScan::Kind::response,
            {.first_line_max = std::min<std::size_t>(limits.header_bytes_max, 4 * 1024),
             .block_max = limits.header_bytes_max}) {
  reset();
}

void ResponseReader::reset() {
  llhttp_init(&parser_, HTTP_RESPONSE, &Callbacks::settings());
  parser_.data = this;
  scan_.reset();
  chunks_.reset();
  part_ = Part::head;
  reusable_ = false;
  status_ = 0;
  raw_bytes_ = 0;
  head_bytes_ = 0;
  body_size_ = 0;
  cut_ = false;
  retry_after_ = {};
  clear(head_);
  clear(body_);
  failure_.clear();
  refusal_ = Refusal::none;
}

ResponseReader::State ResponseReader::fail(std::string_view reason, Refusal refusal) {
  if (failure_.empty()) {
    failure_ = reason;
    refusal_ = refusal;
  }
  reusable_ = false;
  return State::failed;
}

ResponseReader::State ResponseReader::feed(std::string_view bytes) {
  raw_bytes_ += bytes.size();
  State state = State::more;
  while (state == State::more && !bytes.empty()) {
    state = part_ == Part::head     ? feed_head(bytes)
            : part_ == Part::chunks ? feed_chunks(bytes)
                                    : parse(bytes);
  }
  // Unrequested bytes: it is not clear to which request the next answer would belong.
  if (state == State::complete && !bytes.empty()) reusable_ = false;
  return state;
}

ResponseReader::State ResponseReader::feed_head(std::string_view& bytes) {
  const std::size_t held = head_.size();
  if (held != 0) head_.append(bytes);
  const std::string_view block = held != 0 ? std::string_view(head_) : bytes;
  switch (scan_.scan(block)) {
    case HeaderScan::Verdict::complete: break;
    case HeaderScan::Verdict::incomplete:
      if (held == 0) head_ = bytes;
      bytes = {};
      return State::more;
    case HeaderScan::Verdict::malformed: return fail(scan_.reason());
    case HeaderScan::Verdict::first_line_too_long:
      return fail("the status line is too long", Refusal::size);
    case HeaderScan::Verdict::too_large: return fail(scan_.reason(), Refusal::size);
  }
  head_bytes_ += scan_.size();
  if (head_bytes_ > limits_.header_bytes_max) {
    return fail("the header block is too large", Refusal::size);
  }
  bytes.remove_prefix(scan_.size() - held);
  const State state = parse_head(block.substr(0, scan_.size()));
  head_.clear();
  return state;
}

ResponseReader::State ResponseReader::parse_head(std::string_view block) {
  // A tab is ordinary white space, but llhttp 8.1 treats it as part of the value. HeaderScan has
  // made sure that tabs occur only in values.
  std::string without_tabs;
  if (block.find('\t') != std::string_view::npos) {
    without_tabs = block;
    std::replace(without_tabs.begin(), without_tabs.end(), '\t', ' ');
    block = without_tabs;
  }
  const State state = parse(block);
  if (state != State::complete || status_ >= 200) return state;
  // 1xx: the answer proper is still to come.
  llhttp_init(&parser_, HTTP_RESPONSE, &Callbacks::settings());
  parser_.data = this;
  scan_.reset();
  part_ = Part::head;
  retry_after_ = {};
  return State::more;
}

ResponseReader::State ResponseReader::parse(std::string_view& bytes) {
  const llhttp_errno_t error = llhttp_execute(&parser_, bytes.data(), bytes.size());
  if (error == HPE_PAUSED) {
    const char* const position = llhttp_get_error_pos(&parser_);
    bytes.remove_prefix(static_cast<std::size_t>(position - bytes.data()));
    return part_ == Part::end ? State::complete : State::more;
  }
  if (error != HPE_OK) {
    const char* const reason = llhttp_get_error_reason(&parser_);
    return fail(reason && *reason ? reason : llhttp_errno_name(error));
  }
  bytes = {};
  return State::more;
}

ResponseReader::State ResponseReader::feed_chunks(std::string_view& bytes) {
  std::string_view piece;
  while (true) {
    switch (chunks_.next(bytes, piece)) {
      case ChunkedAnswer::State::more: return State::more;
      case ChunkedAnswer::State::failed: return fail(chunks_.failure());
      case ChunkedAnswer::State::complete: part_ = Part::end; return State::complete;
      case ChunkedAnswer::State::data: break;
    }
    const int taken = body_bytes(piece);
    if (taken == HPE_PAUSED) return State::complete;
    if (taken != 0) return State::failed;
  }
}

ResponseReader::State ResponseReader::finish() {
  // Only a response that states no length ends with the connection.
  if (part_ == Part::body && llhttp_message_needs_eof(&parser_)) {
    llhttp_finish(&parser_);
    if (part_ == Part::end) return State::complete;
  }
  return fail("closed in the middle of the answer", Refusal::cut_short);
}

int ResponseReader::head_complete() {
  part_ = Part::body;
  status_ = parser_.status_code;
  if (status_ < 100 || status_ == 101) return fail("the status code is not valid"), -1;
  if (scan_.chunked() && status_ >= 200 && status_ != 204 && status_ != 304) {
    part_ = Part::chunks;
    return 1;  // llhttp takes this for "no body follows"
  }
  if (scan_.has_content_length() && parser_.content_length > limits_.body_bytes_max) {
    if (has_answer(status_)) return fail("the answer is too large", Refusal::size), -1;
    cut_ = true;
    return 1;  // llhttp takes this for "no body follows"
  }
  return 0;
}

int ResponseReader::body_bytes(std::string_view bytes) {
  body_size_ += bytes.size();
  if (body_size_ > limits_.body_bytes_max) {
    if (has_answer(status_)) return fail("the answer is too large", Refusal::size), -1;
    cut_ = true;
    reusable_ = false;
    part_ = Part::end;
    return HPE_PAUSED;
  }
  // Other responses are decided by their status alone.
  if (has_answer(status_)) body_.append(bytes);
  return 0;
}

void ResponseReader::message_complete() {
  // Of a chunked response only the head was read so far; it says whether the connection may be
  // reused.
  if (part_ != Part::chunks) part_ = Part::end;
  reusable_ = !cut_ && llhttp_should_keep_alive(&parser_) && !scan_.version_is_1_0();
}

}  // namespace postoffice::http
