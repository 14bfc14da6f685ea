// The bytes of responses.
#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace postoffice::http {

/// The standard reason phrase; "Unknown" for codes without one.
std::string_view status_text(int status);

/// What a response says about the connection it is sent on.
enum class Persistence { implied, close, keep_alive_1_0 };

/// The Date field with its line end, formatted once a second.
class DateField {
 public:
  std::string_view text(std::chrono::steady_clock::time_point now);

 private:
  std::chrono::steady_clock::time_point made_{};
  std::string text_;
};

struct ResponseHead {
  int status = 200;
  std::string_view date;          ///< a whole field line, or empty
  std::string_view content_type;  ///< empty: none
  std::size_t body_size = 0;
  Persistence persistence = Persistence::implied;
  std::string_view keep_alive;  ///< a field line for responses that leave the connection open
  const std::vector<std::pair<std::string, std::string>>* fields = nullptr;
  std::string_view raw_fields;  ///< further field lines, each with its line end
};

/// Appends status line, fields and the empty line.
void append_head(std::string& out, const ResponseHead& head);

/// RFC 9457: the body that tells a sender what was wrong.
std::string problem_json(int status, std::string_view detail);

}  // namespace postoffice::http
