// Validates header blocks before llhttp: refuses those that parsers are known to read differently.
#pragma once

#include <cstddef>
#include <string_view>

namespace postoffice::http {

struct HeaderLimits {
  std::size_t first_line_max = 4 * 1024;  ///< the request or status line, without its line end
  std::size_t block_max = 16 * 1024;      ///< everything up to and including the empty line
  std::size_t fields_max = 64;
};

/// Scans the raw header block of one message while it arrives.
///
/// Request smuggling works because two parsers read the same bytes differently, and llhttp 8.1 is
/// known to be lenient in several such places. So everything ambiguous is refused here, before
/// llhttp sees it: line ends other than CRLF, folded lines, control bytes, a second Host or
/// Content-Length, any transfer coding but "chunked", both kinds of length at once.
class HeaderScan {
 public:
  enum class Kind { request, response };
  enum class Verdict { incomplete, complete, malformed, first_line_too_long, too_large };

  explicit HeaderScan(Kind kind, HeaderLimits limits = {}) : limits_(limits), kind_(kind) {}

  /// `bytes` begins with the first line of the message and holds everything that has arrived; each
  /// call gets the same bytes again and perhaps more. Lines already scanned are not scanned again.
  Verdict scan(std::string_view bytes);

  /// Resets, for the next message of the connection.
  void reset();

  /// Length of the header block with its empty line; valid once complete.
  std::size_t size() const { return position_; }

  /// What is wrong, for people; valid when malformed or too_large.
  std::string_view reason() const { return reason_; }

  bool version_is_1_0() const { return minor_version_ == 0; }
  bool chunked() const { return transfer_encodings_ != 0; }
  bool has_content_length() const { return content_lengths_ != 0; }
  /// The request's Content-Encoding, if it is not "identity". `bytes`: as in scan().
  std::string_view content_coding(std::string_view bytes) const {
    return bytes.substr(coding_at_, coding_size_);
  }
  /// The request asks for "100 Continue".
  bool expects_continue() const { return expectation_ == Expectation::continue_100; }
  /// The request has an Expect field that this side cannot meet (417).
  bool expects_unknown() const { return expectation_ == Expectation::unknown; }

 private:
  enum class Expectation : unsigned char { none, continue_100, unknown };

  Verdict fail(std::string_view reason);
  Verdict limits_of_partial_line(std::string_view bytes);
  bool first_line(std::string_view line);
  bool request_line(std::string_view line);
  bool version(std::string_view text);
  bool field(std::string_view line);
  bool known_field(std::string_view name, std::string_view value);
  Verdict finish();

  HeaderLimits limits_;
  Kind kind_;
  Expectation expectation_ = Expectation::none;
  unsigned char minor_version_ = 1;
  unsigned char hosts_ = 0;
  unsigned char content_lengths_ = 0;
  unsigned char transfer_encodings_ = 0;
  unsigned fields_ = 0;
  const char* begin_ = nullptr;  // of the bytes that are scanned
  unsigned coding_at_ = 0;       // where the content coding is; its size is 0 without one
  unsigned coding_size_ = 0;
  std::size_t position_ = 0;  // begin of the first line not yet scanned
  std::string_view reason_;
};

/// What is wrong with a field line, without its line end; empty: nothing.
std::string_view field_problem(std::string_view line);

/// Compares ASCII without regard to case. `lower` must be in lower case.
bool equals_ignoring_case(std::string_view text, std::string_view lower);

}  // namespace postoffice::http
