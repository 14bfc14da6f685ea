#include "support/json.hpp"

#include <rapidjson/stringbuffer.h>
#include <rapidjson/writer.h>

#include <cstdio>
#include <ctime>

namespace postofficed {
namespace {

// The length in bytes of the well-formed UTF-8 character at the front of `text`; 0 if there is
// none.
std::size_t character_length(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char first = byte(0);
  if (first < 0x80) return 1;
  const std::size_t length = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : 2;
  if (first < 0xC2 || first > 0xF4 || text.size() < length) return 0;
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xC0) != 0x80) return 0;
  }
  // Overlong forms, surrogates, and what lies beyond Unicode.
  const bool overlong = (first == 0xE0 && byte(1) < 0xA0) || (first == 0xF0 && byte(1) < 0x90);
  const bool outside = (first == 0xED && byte(1) > 0x9F) || (first == 0xF4 && byte(1) > 0x8F);
  return overlong || outside ? 0 : length;
}

}  // namespace

class Json::Impl {
 public:
  rapidjson::StringBuffer buffer;
  rapidjson::Writer<rapidjson::StringBuffer> writer{buffer};
};

Json::Json() : impl_(std::make_unique<Impl>()) {}
Json::~Json() = default;

Json& Json::begin_object() {
  impl_->writer.StartObject();
  return *this;
}

Json& Json::end_object() {
  impl_->writer.EndObject();
  return *this;
}

Json& Json::begin_array() {
  impl_->writer.StartArray();
  return *this;
}

Json& Json::end_array() {
  impl_->writer.EndArray();
  return *this;
}

Json& Json::key(std::string_view name) {
  impl_->writer.Key(name.data(), static_cast<rapidjson::SizeType>(name.size()));
  return *this;
}

Json& Json::value(std::string_view text) {
  const std::string mended = mend_utf8(text);
  impl_->writer.String(mended.data(), static_cast<rapidjson::SizeType>(mended.size()));
  return *this;
}

Json& Json::value(bool flag) {
  impl_->writer.Bool(flag);
  return *this;
}

Json& Json::value(double number) {
  impl_->writer.Double(number);
  return *this;
}

Json& Json::value(postoffice::Timestamp time) { return value(rfc3339(time)); }

Json& Json::id(std::string_view name, postoffice::ObjectId number) {
  constexpr postoffice::ObjectId exact = (1ll << 53) - 1;
  const bool fits = -exact <= number && number <= exact;
  return fits ? member(name, number) : id_text(name, number);
}

Json& Json::null() {
  impl_->writer.Null();
  return *this;
}

Json& Json::integer(std::int64_t number) {
  impl_->writer.Int64(number);
  return *this;
}

Json& Json::natural(std::uint64_t number) {
  impl_->writer.Uint64(number);
  return *this;
}

std::string Json::text() const { return {impl_->buffer.GetString(), impl_->buffer.GetSize()}; }

std::string rfc3339(postoffice::Timestamp time) {
  const auto seconds = std::chrono::floor<std::chrono::seconds>(time);
  const std::time_t whole = seconds.time_since_epoch().count();
  std::tm parts{};
  gmtime_r(&whole, &parts);
  char text[64];
  const auto length = std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &parts);
  char fraction[16];
  std::snprintf(fraction, sizeof fraction, ".%06dZ", static_cast<int>((time - seconds).count()));
  return std::string(text, length) + fraction;
}

std::string mend_utf8(std::string_view text) {
  std::string mended;
  mended.reserve(text.size());
  while (!text.empty()) {
    const auto length = character_length(text);
    if (length == 0) {
      mended += "\xEF\xBF\xBD";
    } else {
      mended += text.substr(0, length);
    }
    text.remove_prefix(length == 0 ? 1 : length);
  }
  return mended;
}

}  // namespace postofficed
