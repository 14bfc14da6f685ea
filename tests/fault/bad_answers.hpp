// Every kind of wrong answer of a source, each with a name.
#pragma once

#include <unistd.h>

#include <atomic>
#include <cstdint>
#include <iterator>
#include <string>

#include "http/client/scripted_server.hpp"

namespace postoffice::testing {

/// One way to answer. False: close the connection. If it says anything about an object, that is
/// false, so a row shows whether it was believed.
struct BadAnswer {
  const char* name;
  bool (*give)(Peer& peer, std::int64_t id);
};

inline bool truth(std::int64_t id) { return id % 2 == 0; }

inline std::string object(std::int64_t id, bool online) {
  return "{\"id\":" + std::to_string(id) + ",\"online\":" + (online ? "true" : "false") + "}";
}

inline std::string lie(std::int64_t id) { return object(id, !truth(id)); }

/// No callback mentions these ids: a row of one is a phantom.
inline std::int64_t foreign(std::int64_t id) { return id + 1'000'000'000; }

/// Sends the same text repeatedly, until the other end closes or 1 GB was sent.
inline bool flood(Peer& peer, const std::string& text) {
  std::string piece;
  while (piece.size() < 64 * 1024) piece += text;
  for (std::size_t sent = 0; sent < 1'000'000'000 && peer.send(piece);) sent += piece.size();
  return false;
}

inline bool slowly(Peer& peer, const std::string& text) {
  for (const char byte : text) {
    if (!peer.send({&byte, 1})) break;
    usleep(100'000);  // far slower than any client waits
  }
  return false;
}

inline bool reset(Peer& peer) {
  peer.reset_on_close();
  return false;
}

inline std::string member(const char* text) { return std::string("HTTP/1.1 ") + text; }

inline const BadAnswer bad_answers[] = {
    {"hangs", [](Peer& p, std::int64_t) { return p.wait_for_close(), false; }},
    {"trickles", [](Peer& p, std::int64_t id) { return slowly(p, Peer::ok(lie(id))); }},
    {"closes", [](Peer&, std::int64_t) { return false; }},
    {"resets", [](Peer& p, std::int64_t) { return reset(p); }},
    {"resets in the body",
     [](Peer& p, std::int64_t id) {
       const auto all = Peer::ok(lie(id));
       p.send(all.substr(0, all.size() - 9));
       return reset(p);
     }},
    {"length too long",
     [](Peer& p, std::int64_t id) {
       p.send("HTTP/1.1 200 OK\r\nContent-Length: 90\r\n\r\n" + lie(id));
       return false;
     }},
    {"length too short",
     [](Peer& p, std::int64_t id) {
       return p.send("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n" + lie(id));
     }},
    {"two lengths",
     [](Peer& p, std::int64_t id) {
       return p.send("HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: " +
                     std::to_string(lie(id).size()) + "\r\n\r\n" + lie(id));
     }},
    {"length and chunks",
     [](Peer& p, std::int64_t id) {
       return p.send("HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(lie(id).size()) +
                     "\r\nTransfer-Encoding: chunked\r\n\r\n" + lie(id));
     }},
    {"bad chunk size",
     [](Peer& p, std::int64_t id) {
       return p.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nZZ\r\n" + lie(id));
     }},
    {"chunk without end",
     [](Peer& p, std::int64_t id) {
       p.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n40\r\n" + lie(id));
       return false;
     }},
    {"1 GB announced",
     [](Peer& p, std::int64_t) {
       p.send("HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n");
       return flood(p, "[");
     }},
    {"1 GB in chunks",
     [](Peer& p, std::int64_t) {
       p.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
       return flood(p, "10\r\n{\"id\":1,\"x\":\"yz\"\r\n");
     }},
    {"no length, no end",
     [](Peer& p, std::int64_t) {
       p.send("HTTP/1.1 200 OK\r\n\r\n");
       return flood(p, " ");
     }},
    {"1 GB of an error",
     [](Peer& p, std::int64_t) {
       p.send("HTTP/1.1 500 Oh\r\nTransfer-Encoding: chunked\r\n\r\n");
       return flood(p, "4\r\nsigh\r\n");
     }},
    {"gzip",
     [](Peer& p, std::int64_t) {
       return p.send(Peer::with_status("200 OK", std::string("\x1f\x8b\x08\0\0\0\0\0\0\3", 10),
                                       "Content-Encoding: gzip\r\n"));
     }},
    {"redirect",
     [](Peer& p, std::int64_t id) {
       return p.send(Peer::with_status("302 Found", lie(id), "Location: /objects/1\r\n"));
     }},
    {"not modified",
     [](Peer& p, std::int64_t) { return p.send(member("304 Not Modified\r\n\r\n")); }},
    {"wrong id",
     [](Peer& p, std::int64_t id) { return p.send(Peer::ok(object(foreign(id), !truth(id)))); }},
    {"answer of the next id",
     [](Peer& p, std::int64_t id) { return p.send(Peer::ok(object(id + 1, truth(id + 1)))); }},
    {"keys twice",
     [](Peer& p, std::int64_t id) {
       const std::string no = truth(id) ? "false" : "true";
       return p.send(Peer::ok("{\"id\":" + std::to_string(id) + ",\"online\":" + no +
                              ",\"online\":" + no + "}"));
     }},
    {"NaN", [](Peer& p, std::int64_t) { return p.send(Peer::ok("{\"id\":NaN,\"online\":true}")); }},
    {"id as text",
     [](Peer& p, std::int64_t id) {
       return p.send(Peer::ok("{\"id\":\"" + std::to_string(id) +
                              "\",\"online\":" + (truth(id) ? "false" : "true") + "}"));
     }},
    {"online as number",
     [](Peer& p, std::int64_t id) {
       return p.send(Peer::ok("{\"id\":" + std::to_string(id) +
                              ",\"online\":" + (truth(id) ? "0" : "1") + "}"));
     }},
    {"text behind", [](Peer& p, std::int64_t id) { return p.send(Peer::ok(lie(id) + lie(id))); }},
    {"not UTF-8",
     [](Peer& p, std::int64_t id) {
       return p.send(Peer::ok("{\"x\":\"\xff\xfe\"," + lie(id).substr(1)));
     }},
    {"BOM", [](Peer& p, std::int64_t id) { return p.send(Peer::ok("\xef\xbb\xbf" + lie(id))); }},
    {"empty", [](Peer& p, std::int64_t) { return p.send(Peer::ok("")); }},
    {"deep", [](Peer& p, std::int64_t) { return p.send(Peer::ok(std::string(60'000, '['))); }},
    {"500", [](Peer& p, std::int64_t id) { return p.send(Peer::with_status("500 Oh", lie(id))); }},
    {"429",
     [](Peer& p, std::int64_t id) {
       return p.send(Peer::with_status("429 Slow", lie(id), "Retry-After: 1\r\n"));
     }},
    {"not HTTP", [](Peer& p, std::int64_t) { return p.send("SSH-2.0-OpenSSH_9\r\n\r\n"), false; }},
    {"header bomb",
     [](Peer& p, std::int64_t) {
       p.send("HTTP/1.1 200 OK\r\n");
       return flood(p, "X-Bomb: tick\r\n");
     }},
    {"endless status line",
     [](Peer& p, std::int64_t) {
       p.send("HTTP/1.1 200 ");
       return flood(p, "O");
     }},
    {"endless 100-continue",
     [](Peer& p, std::int64_t) { return flood(p, "HTTP/1.1 100 Continue\r\n\r\n"); }},
    {"more answers than requests",
     [](Peer& p, std::int64_t id) {
       // At once and later, so that some meet the next request: about ids that nobody sent.
       std::string all = Peer::ok(object(id, truth(id)));
       for (int more = 0; more < 20; ++more) all += Peer::ok(lie(foreign(id)));
       if (id % 3 == 0) {
         p.send(Peer::ok(object(id, truth(id))));
         usleep(2'000);
         return p.send(Peer::ok(object(foreign(id), true)) + Peer::ok(object(foreign(id), false)));
       }
       return p.send(all);
     }},
};

/// Unusual but valid.
inline const BadAnswer odd_answers[] = {
    {"plain", [](Peer& p, std::int64_t id) { return p.send(Peer::ok(object(id, truth(id)))); }},
    {"HTTP/1.0",
     [](Peer& p, std::int64_t id) {
       return p.send("HTTP/1.0 200 OK\r\n\r\n" + object(id, truth(id))), false;
     }},
    {"100-continue first",
     [](Peer& p, std::int64_t id) {
       return p.send("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\n\r\n" +
                     Peer::ok(object(id, truth(id))));
     }},
    {"a chunk a byte",
     [](Peer& p, std::int64_t id) {
       std::string text = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
       for (const char byte : object(id, truth(id))) text += std::string("1\r\n") + byte + "\r\n";
       return p.send(text + "0\r\n\r\n");
     }},
    {"much more than asked",
     [](Peer& p, std::int64_t id) {
       return p.send(
           Peer::ok("\r\n{\"online\" : " + std::string(truth(id) ? "true" : "false") +
                    ", \"name\":\"\\u00e9\", \"deep\":{\"id\":7,\"online\":null},\"id\": " +
                    std::to_string(id) + "}\n"));
     }},
};

}  // namespace postoffice::testing
