#include "rabbitmq/amqp_url.hpp"

#include <algorithm>
#include <charconv>
#include <string_view>

#include "postoffice/error.hpp"

namespace postoffice::rabbitmq {
namespace {

Failure refusal(const std::string& why) { return {Error::bad_options, "the broker's URL " + why}; }

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

Failure decode(std::string_view text, std::string& decoded) {
  decoded.clear();
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      decoded += text[i];
      continue;
    }
    const int high = i + 2 < text.size() ? hex_digit(text[i + 1]) : -1;
    const int low = i + 2 < text.size() ? hex_digit(text[i + 2]) : -1;
    if (high < 0 || low < 0) return refusal("has a % without two hexadecimal digits behind it");
    decoded += static_cast<char>(high * 16 + low);
    i += 2;
  }
  if (decoded.find('\0') != std::string::npos) return refusal("contains a zero byte");
  return {};
}

Failure set_parameter(std::string_view name, const std::string& value, Tls& tls) {
  if (name == "cacertfile") {
    tls.ca_file = value;
  } else if (name == "certfile") {
    tls.certificate = value;
  } else if (name == "keyfile") {
    tls.key = value;
  } else if (name == "server_name_indication") {
    tls.server_name = value;
  } else if (name == "verify" && (value == "verify_peer" || value == "verify_none")) {
    tls.verify = value == "verify_peer";
  } else if (name == "verify") {
    return refusal("says verify, but neither verify_peer nor verify_none");
  } else {
    return refusal(
        "has the parameter \"" + std::string(name) +
        "\"; known are cacertfile, certfile, keyfile, verify and server_name_indication");
  }
  return {};
}

Failure parse_query(std::string_view query, Tls& tls) {
  // It may be the rest of a password, so nothing of it is repeated.
  if (query.find('@') != query.npos) {
    return refusal("has an @ behind a ?; write %40 for it, or %3f for the ?");
  }
  while (!query.empty()) {
    const auto parameter = query.substr(0, query.find('&'));
    query.remove_prefix(std::min(parameter.size() + 1, query.size()));
    const auto equals = parameter.find('=');
    if (equals == parameter.npos) return refusal("has a parameter without a value");
    std::string value;
    if (auto failure = decode(parameter.substr(equals + 1), value)) return failure;
    if (auto failure = set_parameter(parameter.substr(0, equals), value, tls)) return failure;
  }
  if (tls.certificate.empty() != tls.key.empty())
    return refusal("has only one of certfile and keyfile");
  return {};
}

Failure parse_credentials(std::string_view text, Address& address) {
  const auto colon = text.find(':');
  if (auto failure = decode(text.substr(0, colon), address.user)) return failure;
  return decode(colon == text.npos ? "" : text.substr(colon + 1), address.password);
}

Failure parse_port(std::string_view text, int& port) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (error != std::errc{} || end != text.data() + text.size() || port < 1 || port > 65535) {
    return refusal("has a port that is not a number from 1 to 65535");
  }
  return {};
}

Failure parse_host(std::string_view text, Address& address) {
  std::string_view rest;
  if (text.starts_with('[')) {
    const auto end = text.find(']');
    if (end == text.npos) return refusal("has a [ without ]");
    address.host = text.substr(1, end - 1);
    rest = text.substr(end + 1);
  } else {
    const auto colon = text.find(':');
    if (colon != 0 && !text.empty()) {
      if (auto failure = decode(text.substr(0, colon), address.host)) return failure;
    }
    if (colon != text.npos) rest = text.substr(colon);
  }
  if (rest.empty()) return {};
  if (rest[0] != ':') return refusal("has text between host and port");
  return parse_port(rest.substr(1), address.port);
}

Failure parse_hosts(std::string_view text, Address& address) {
  const int usual_port = address.port;
  for (;;) {
    const auto comma = text.find(',');
    const auto one = text.substr(0, comma);
    if (one.empty() && (comma != text.npos || !address.hosts.empty())) {
      return refusal("has an empty host between commas");
    }
    address.host = "localhost";
    address.port = usual_port;
    if (auto failure = parse_host(one, address)) return failure;
    address.hosts.push_back({address.host, address.port});
    if (comma == text.npos) break;
    text.remove_prefix(comma + 1);
  }
  address.host = address.hosts.front().name;
  address.port = address.hosts.front().port;
  return {};
}

Failure parse(std::string_view rest, Address& address) {
  rest.remove_prefix(rest.find("://") + 3);
  if (rest.find('#') != rest.npos) return refusal("has a fragment (#…)");
  if (const auto query = rest.find('?'); query != rest.npos) {
    if (!address.tls) return refusal("has a query, which is for amqps:// only");
    if (auto failure = parse_query(rest.substr(query + 1), *address.tls)) return failure;
    rest = rest.substr(0, query);
  }
  const auto slash = rest.find('/');
  const auto path = slash == rest.npos ? std::string_view{} : rest.substr(slash + 1);
  if (!path.empty()) {
    if (auto failure = decode(path, address.vhost)) return failure;
  }
  if (path.find('/') != path.npos) return refusal("has a / inside the virtual host; write %2f");
  auto authority = rest.substr(0, slash);
  if (const auto at = authority.rfind('@'); at != authority.npos) {
    if (auto failure = parse_credentials(authority.substr(0, at), address)) return failure;
    authority.remove_prefix(at + 1);
  }
  return parse_hosts(authority, address);
}

}  // namespace

Result<Address> parse_amqp_url(const std::string& url) {
  Result<Address> result{Address()};
  if (url.starts_with("amqps://")) {
    result->port = 5671;
    result->tls.emplace();
  } else if (!url.starts_with("amqp://")) {
    return refusal("begins neither with amqp:// nor with amqps://");
  }
  if (auto failure = parse(url, *result)) return failure;
  return result;
}

std::string to_string(const Address& address) {
  const bool v6 = address.host.find(':') != std::string::npos;
  const auto host = v6 ? "[" + address.host + "]" : address.host;
  const auto vhost = address.vhost == "/" ? "" : "/" + address.vhost;
  const std::string scheme = address.tls ? "amqps://" : "amqp://";
  return scheme + address.user + "@" + host + ":" + std::to_string(address.port) + vhost;
}

}  // namespace postoffice::rabbitmq
