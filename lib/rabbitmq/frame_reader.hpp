// Bytes from the broker, as what they say.
#pragma once

#include <string>

#include "postoffice/result.hpp"
#include "rabbitmq/frame_sink.hpp"
#include "rabbitmq/frames.hpp"

struct amqp_connection_state_t_;
struct amqp_frame_t_;

namespace postoffice::rabbitmq {

/// rabbitmq-c cuts bytes into frames; here frames become confirms, deliveries and so on. A message
/// is a method (deliver or return), a header that says how long its body is, and the body in
/// pieces. No socket in here.
class FrameReader {
 public:
  explicit FrameReader(amqp_connection_state_t_* state) : state_(state) {}

  /// Fails at the end of channel or connection, or if this is not AMQP.
  Failure read(Bytes input, FrameSink& sink);
  Failure read(const amqp_frame_t_& frame, FrameSink& sink);

 private:
  enum class Content { none, delivery, returned };

  Failure read_method(const amqp_frame_t_& frame, FrameSink& sink);
  void begin_body(const amqp_frame_t_& frame, FrameSink& sink);
  void add_body(Bytes piece, FrameSink& sink);
  void skip_body(Bytes piece, FrameSink& sink);
  void finish_content(Bytes body, FrameSink& sink);

  amqp_connection_state_t_* const state_;
  Content content_ = Content::none;  // what the frames to come belong to
  std::uint64_t tag_ = 0;
  bool redelivered_ = false;
  std::string label_;
  std::uint64_t body_size_ = 0;
  std::uint64_t to_skip_ = 0;  // of a body that is too large
  Buffer body_;
};

}  // namespace postoffice::rabbitmq
