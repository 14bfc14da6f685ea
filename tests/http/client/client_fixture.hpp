// A source with its loop and its log.
#pragma once

#include <memory>
#include <string>
#include <utility>

#include "http/client/scripted_server.hpp"
#include "postoffice/defaults/event_loop.hpp"
#include "postoffice/defaults/http_object_source.hpp"
#include "support/event_log.hpp"

namespace postoffice::testing {

struct Client {
  explicit Client(const ScriptedServer& server, HttpObjectSourceOptions options = {})
      : Client(server.url(), std::move(options)) {}

  Client(std::string url, HttpObjectSourceOptions options) {
    options.url = std::move(url);
    loop.start();
    source = std::make_unique<HttpObjectSource>(loop, options, log.log());
  }

  EventLog log;
  EventLoop loop;
  std::unique_ptr<HttpObjectSource> source;
};

}  // namespace postoffice::testing
