#include "rabbitmq/frame_reader.hpp"

#include <amqp.h>
#include <amqp_framing.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "base/checked_count.hpp"
#include "postoffice/error.hpp"
#include "rabbitmq/broker_words.hpp"

namespace postoffice::rabbitmq {
namespace {

// A body is kept in memory; no message of Postoffice comes near this.
constexpr std::uint64_t body_size_max = 64 << 20;

template <typename Method>
const Method& decoded(const amqp_frame_t& frame) {
  return *static_cast<const Method*>(frame.payload.method.decoded);
}

}  // namespace

Failure FrameReader::read(Bytes input, FrameSink& sink) {
  while (!input.empty()) {
    amqp_frame_t frame;
    std::memset(&frame, 0, sizeof frame);
    const amqp_bytes_t bytes{input.size(), const_cast<std::byte*>(input.data())};
    const int used = amqp_handle_input(state_, bytes, &frame);
    if (used < 0) {
      return {Error::bad_answer,
              std::string("the broker sends garbage: ") + amqp_error_string2(used)};
    }
    if (frame.frame_type != 0) {
      if (auto failure = read(frame, sink)) return failure;
    }
    if (used == 0) break;
    input = input.subspan(static_cast<std::size_t>(used));
  }
  amqp_maybe_release_buffers(state_);
  return {};
}

Failure FrameReader::read(const amqp_frame_t& frame, FrameSink& sink) {
  if (frame.frame_type == AMQP_FRAME_METHOD) return read_method(frame, sink);
  if (frame.channel != channel || content_ == Content::none) return {};
  if (frame.frame_type == AMQP_FRAME_HEADER) {
    begin_body(frame, sink);
  } else if (frame.frame_type == AMQP_FRAME_BODY) {
    const auto& piece = frame.payload.body_fragment;
    add_body({static_cast<const std::byte*>(piece.bytes), piece.len}, sink);
  }
  return {};
}

Failure FrameReader::read_method(const amqp_frame_t& frame, FrameSink& sink) {
  switch (frame.payload.method.id) {
    case AMQP_BASIC_ACK_METHOD: {
      const auto& ack = decoded<amqp_basic_ack_t>(frame);
      sink.on_confirm(ack.delivery_tag, ack.multiple != 0);
      return {};
    }
    case AMQP_BASIC_NACK_METHOD: {
      const auto& nack = decoded<amqp_basic_nack_t>(frame);
      sink.on_nack(nack.delivery_tag, nack.multiple != 0);
      return {};
    }
    case AMQP_BASIC_DELIVER_METHOD: {
      const auto& delivery = decoded<amqp_basic_deliver_t>(frame);
      content_ = Content::delivery;
      tag_ = delivery.delivery_tag;
      redelivered_ = delivery.redelivered != 0;
      return {};
    }
    case AMQP_BASIC_RETURN_METHOD: content_ = Content::returned; return {};
    case AMQP_CONNECTION_BLOCKED_METHOD: sink.on_blocked(true); return {};
    case AMQP_CONNECTION_UNBLOCKED_METHOD: sink.on_blocked(false); return {};
    case AMQP_QUEUE_DECLARE_OK_METHOD: {
      const auto& answer = decoded<amqp_queue_declare_ok_t>(frame);
      sink.on_answer({text_of(answer.queue), answer.message_count, answer.consumer_count});
      return {};
    }
    case AMQP_CONNECTION_CLOSE_OK_METHOD: return {Error::unavailable, "closed"};
    case AMQP_BASIC_CANCEL_METHOD:
      return {Error::unavailable, "the broker has cancelled the consumer (was its queue deleted?)"};
    case AMQP_CHANNEL_CLOSE_METHOD:
    case AMQP_CONNECTION_CLOSE_METHOD:
      return {Error::unavailable, "the broker closes: " + closing_text(frame.payload.method)};
    default: return {};
  }
}

void FrameReader::begin_body(const amqp_frame_t& frame, FrameSink& sink) {
  const auto& header = frame.payload.properties;
  const auto* properties = static_cast<const amqp_basic_properties_t*>(header.decoded);
  body_size_ = header.body_size;
  label_.clear();
  if (header.class_id == AMQP_BASIC_CLASS && (properties->_flags & AMQP_BASIC_MESSAGE_ID_FLAG)) {
    label_ = text_of(properties->message_id);
  }
  body_.clear();
  to_skip_ = body_size_ > body_size_max ? body_size_ : 0;
  if (body_size_ == 0) finish_content({}, sink);
}

/// What is too large to be kept is read and dropped, so that what follows can be read.
void FrameReader::skip_body(Bytes piece, FrameSink& sink) {
  count_down(to_skip_, std::min<std::uint64_t>(to_skip_, piece.size()));
  amqp_maybe_release_buffers(state_);  // the library keeps frames until it is told
  if (to_skip_ != 0) return;
  if (std::exchange(content_, Content::none) == Content::delivery) {
    sink.on_huge(tag_, body_size_);
  } else {
    sink.on_return({});
  }
}

void FrameReader::add_body(Bytes piece, FrameSink& sink) {
  if (to_skip_ != 0) return skip_body(piece, sink);
  if (body_.empty() && piece.size() >= body_size_) return finish_content(piece, sink);
  body_.insert(body_.end(), piece.begin(), piece.end());
  if (body_.size() >= body_size_) finish_content(body_, sink);
}

void FrameReader::finish_content(Bytes body, FrameSink& sink) {
  const auto content = std::exchange(content_, Content::none);
  if (content == Content::delivery) sink.on_deliver(tag_, redelivered_, label_, body);
  if (content == Content::returned) sink.on_return(body);
}

}  // namespace postoffice::rabbitmq
