#include "rabbitmq/amqp_url.hpp"

#include <algorithm>
#include <charconv>
#include <stdexcept>
#include <string_view>

namespace postoffice::rabbitmq {
namespace {

[[noreturn]] void refuse(const std::string& why) {
  throw std::invalid_argument("the broker's URL " + why);
}

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

std::string decode(std::string_view text) {
  std::string decoded;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      decoded += text[i];
      continue;
    }
    const int high = i + 2 < text.size() ? hex_digit(text[i + 1]) : -1;
    const int low = i + 2 < text.size() ? hex_digit(text[i + 2]) : -1;
    if (high < 0 || low < 0) refuse("has a % without two hexadecimal digits behind it");
    decoded += static_cast<char>(high * 16 + low);
    i += 2;
  }
  if (decoded.find('\0') != std::string::npos) refuse("contains a zero byte");
  return decoded;
}

void set_parameter(std::string_view name, const std::string& value, Tls& tls) {
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
    refuse("says verify, but neither verify_peer nor verify_none");
  } else {
    refuse("has the parameter \"" + std::string(name) +
           "\"; known are cacertfile, certfile, keyfile, verify and server_name_indication");
  }
}

void parse_query(std::string_view query, Tls& tls) {
  // It may be the rest of a password, so nothing of it is repeated.
  if (query.find('@') != query.npos)
    refuse("has an @ behind a ?; write %40 for it, or %3f for the ?");
  while (!query.empty()) {
    const auto parameter = query.substr(0, query.find('&'));
    query.remove_prefix(std::min(parameter.size() + 1, query.size()));
    const auto equals = parameter.find('=');
    if (equals == parameter.npos) refuse("has a parameter without a value");
    set_parameter(parameter.substr(0, equals), decode(parameter.substr(equals + 1)), tls);
  }
  if (tls.certificate.empty() != tls.key.empty()) refuse("has only one of certfile and keyfile");
}

void parse_credentials(std::string_view text, Address& address) {
  const auto colon = text.find(':');
  address.user = decode(text.substr(0, colon));
  address.password = colon == text.npos ? "" : decode(text.substr(colon + 1));
}

int parse_port(std::string_view text) {
  int port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (error != std::errc{} || end != text.data() + text.size() || port < 1 || port > 65535) {
    refuse("has a port that is not a number from 1 to 65535");
  }
  return port;
}

void parse_host(std::string_view text, Address& address) {
  std::string_view rest;
  if (text.starts_with('[')) {
    const auto end = text.find(']');
    if (end == text.npos) refuse("has a [ without ]");
    address.host = text.substr(1, end - 1);
    rest = text.substr(end + 1);
  } else {
    const auto colon = text.find(':');
    if (colon != 0 && !text.empty()) address.host = decode(text.substr(0, colon));
    if (colon != text.npos) rest = text.substr(colon);
  }
  if (rest.empty()) return;
  if (rest[0] != ':') refuse("has text between host and port");
  address.port = parse_port(rest.substr(1));
}

void parse_hosts(std::string_view text, Address& address) {
  const int usual_port = address.port;
  for (;;) {
    const auto comma = text.find(',');
    const auto one = text.substr(0, comma);
    if (one.empty() && (comma != text.npos || !address.hosts.empty())) {
      refuse("has an empty host between commas");
    }
    address.host = "localhost";
    address.port = usual_port;
    parse_host(one, address);
    address.hosts.push_back({address.host, address.port});
    if (comma == text.npos) break;
    text.remove_prefix(comma + 1);
  }
  address.host = address.hosts.front().name;
  address.port = address.hosts.front().port;
}

}  // namespace

Address parse_amqp_url(const std::string& url) {
  std::string_view rest = url;
  Address address;
  if (rest.starts_with("amqps://")) {
    address.tls.emplace();
    address.port = 5671;
  } else if (!rest.starts_with("amqp://")) {
    refuse("begins neither with amqp:// nor with amqps://");
  }
  rest.remove_prefix(rest.find("://") + 3);
  if (rest.find('#') != rest.npos) refuse("has a fragment (#…)");
  if (const auto query = rest.find('?'); query != rest.npos) {
    if (!address.tls) refuse("has a query, which is for amqps:// only");
    parse_query(rest.substr(query + 1), *address.tls);
    rest = rest.substr(0, query);
  }
  const auto slash = rest.find('/');
  const auto path = slash == rest.npos ? std::string_view{} : rest.substr(slash + 1);
  if (!path.empty()) address.vhost = decode(path);
  if (path.find('/') != path.npos) refuse("has a / inside the virtual host; write %2f");
  auto authority = rest.substr(0, slash);
  if (const auto at = authority.rfind('@'); at != authority.npos) {
    parse_credentials(authority.substr(0, at), address);
    authority.remove_prefix(at + 1);
  }
  parse_hosts(authority, address);
  return address;
}

std::string to_string(const Address& address) {
  const bool v6 = address.host.find(':') != std::string::npos;
  const auto host = v6 ? "[" + address.host + "]" : address.host;
  const auto vhost = address.vhost == "/" ? "" : "/" + address.vhost;
  const std::string scheme = address.tls ? "amqps://" : "amqp://";
  return scheme + address.user + "@" + host + ":" + std::to_string(address.port) + vhost;
}

}  // namespace postoffice::rabbitmq
