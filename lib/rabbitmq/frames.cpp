#include "rabbitmq/frames.hpp"

#include <algorithm>

#include "base/bytes.hpp"

namespace postoffice::rabbitmq {
namespace {

constexpr std::byte frame_end{0xce};
constexpr std::size_t frame_header_size = 7;

enum class FrameType : std::uint8_t { method = 1, header = 2, body = 3, heartbeat = 8 };

template <typename Value>
void put_number(Value value, Buffer& out) {
  out.resize(out.size() + sizeof value);
  put_big_endian(out, out.size() - sizeof value, value);
}

/// Returns where the frame began; end_frame() fills its size in.
std::size_t begin_frame(FrameType type, std::uint16_t on, Buffer& out) {
  const auto begin = out.size();
  put_number<std::uint8_t>(static_cast<std::uint8_t>(type), out);
  put_number<std::uint16_t>(on, out);
  put_number<std::uint32_t>(0, out);
  return begin;
}

void end_frame(std::size_t begin, Buffer& out) {
  put_big_endian(out, begin + 3,
                 static_cast<std::uint32_t>(out.size() - begin - frame_header_size));
  out.push_back(frame_end);
}

std::size_t begin_method(std::uint16_t class_id, std::uint16_t method, Buffer& out) {
  const auto begin = begin_frame(FrameType::method, channel, out);
  put_number<std::uint16_t>(class_id, out);
  put_number<std::uint16_t>(method, out);
  return begin;
}

std::size_t begin_basic(std::uint16_t method, Buffer& out) { return begin_method(60, method, out); }

void put_short_text(std::string_view text, Buffer& out) {
  put_number<std::uint8_t>(text.size(), out);
  for (const char c : text) out.push_back(static_cast<std::byte>(c));
}

/// Cuts a body that is too large for one frame; `begin` is where its frame begins.
void split_body(std::size_t begin, std::size_t frame_max, Buffer& out) {
  const Buffer body(out.begin() + static_cast<std::ptrdiff_t>(begin + frame_header_size),
                    out.end());
  out.resize(begin);
  const auto piece_max = frame_max - frame_overhead;
  for (std::size_t at = 0; at < body.size(); at += piece_max) {
    const auto piece = Bytes(body).subspan(at, std::min(piece_max, body.size() - at));
    const auto frame = begin_frame(FrameType::body, channel, out);
    out.insert(out.end(), piece.begin(), piece.end());
    end_frame(frame, out);
  }
}

}  // namespace

PublishFrames::PublishFrames(const std::string& queue) {
  const auto method = begin_basic(40, template_);
  put_number<std::uint16_t>(0, template_);  // reserved
  put_number<std::uint8_t>(0, template_);   // the default exchange
  put_short_text(queue, template_);
  put_number<std::uint8_t>(1, template_);  // mandatory
  end_frame(method, template_);
  header_at_ = begin_frame(FrameType::header, channel, template_);
  put_number<std::uint16_t>(60, template_);
  put_number<std::uint16_t>(0, template_);
  size_at_ = template_.size();
  put_number<std::uint64_t>(0, template_);
  put_number<std::uint16_t>(0x1080, template_);  // of the properties, delivery mode and message id
  put_number<std::uint8_t>(2, template_);        // persistent
}

void PublishFrames::put(const MessageHeader& header, std::span<const ObjectId> ids,
                        std::string_view label, std::size_t frame_max, Buffer& out) const {
  const auto size_at = out.size() + size_at_;
  const auto header_at = out.size() + header_at_;
  out.insert(out.end(), template_.begin(), template_.end());
  put_short_text(label, out);
  end_frame(header_at, out);
  const auto body = begin_frame(FrameType::body, channel, out);
  encode_message(header, ids, out);
  const auto size = out.size() - body - frame_header_size;
  put_big_endian(out, size_at, std::uint64_t{size});
  if (size + frame_overhead > frame_max) return split_body(body, frame_max, out);
  end_frame(body, out);
}

void put_acknowledge(std::uint64_t tag, Buffer& out) {
  const auto frame = begin_basic(80, out);
  put_number<std::uint64_t>(tag, out);
  put_number<std::uint8_t>(1, out);  // multiple
  end_frame(frame, out);
}

void put_reject(std::uint64_t tag, Buffer& out) {
  const auto frame = begin_basic(90, out);
  put_number<std::uint64_t>(tag, out);
  put_number<std::uint8_t>(0, out);
  end_frame(frame, out);
}

void put_question(const std::string& queue, Buffer& out) {
  const auto frame = begin_method(50, 10, out);
  put_number<std::uint16_t>(0, out);  // reserved
  put_short_text(queue, out);
  put_number<std::uint8_t>(1, out);   // passive
  put_number<std::uint32_t>(0, out);  // no arguments
  end_frame(frame, out);
}

void put_close(Buffer& out) {
  const auto frame = begin_frame(FrameType::method, 0, out);
  put_number<std::uint16_t>(10, out);
  put_number<std::uint16_t>(50, out);
  put_number<std::uint16_t>(200, out);  // goodbye
  put_short_text("", out);
  put_number<std::uint32_t>(0, out);  // no method was at fault
  end_frame(frame, out);
}

void put_heartbeat(Buffer& out) { end_frame(begin_frame(FrameType::heartbeat, 0, out), out); }

}  // namespace postoffice::rabbitmq
