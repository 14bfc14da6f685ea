#include "postgres/host_list.hpp"

#include <algorithm>
#include <string_view>
#include <utility>

namespace postoffice::postgres {
namespace {

std::vector<std::string> split(const std::string* text) {
  std::vector<std::string> parts;
  if (!text || text->empty()) return parts;
  std::string_view rest = *text;
  for (;;) {
    const auto comma = rest.find(',');
    parts.emplace_back(rest.substr(0, comma));
    if (comma == std::string_view::npos) return parts;
    rest.remove_prefix(comma + 1);
  }
}

void set(ConnectList& list, const std::string& keyword, std::string value) {
  std::erase_if(list, [&](const auto& option) { return option.first == keyword; });
  // Commas alone count as empty.
  if (value.find_first_not_of(',') == std::string::npos) return;
  list.emplace_back(keyword, std::move(value));
}

}  // namespace

std::string Host::text() const {
  const std::string& name = host.empty() ? address : host;
  return (name.empty() ? "the default socket" : name) + ":" + (port.empty() ? "5432" : port);
}

HostList::HostList(const ConnectList& list) {
  const auto names = split(find(list, "host"));
  const auto addresses = split(find(list, "hostaddr"));
  const auto ports = split(find(list, "port"));
  const std::size_t count = std::max<std::size_t>(1, std::max(names.size(), addresses.size()));
  for (std::size_t index = 0; index < count; ++index) {
    Host host;
    if (index < names.size()) host.host = names[index];
    if (index < addresses.size()) host.address = addresses[index];
    // A single port is for all hosts.
    if (ports.size() == 1) host.port = ports.front();
    if (ports.size() > 1 && index < ports.size()) host.port = ports[index];
    hosts_.push_back(std::move(host));
  }
}

void HostList::put_into(ConnectList& list) const {
  std::string names;
  std::string addresses;
  std::string ports;
  for (const Host& host : hosts_) {
    const char* const comma = &host == &hosts_.front() ? "" : ",";
    names += comma + host.host;
    addresses += comma + host.address;
    ports += comma + host.port;
  }
  set(list, "host", std::move(names));
  set(list, "hostaddr", std::move(addresses));
  set(list, "port", std::move(ports));
}

void HostList::leave_out(const Host& tried, const std::vector<std::string>& others) {
  const auto is_tried = [&](const Host& host) {
    if (!host.port.empty() && host.port != tried.port) return false;
    if (!host.address.empty()) return host.address == tried.address;
    return host.host.empty() || host.host == tried.host;
  };
  const auto place = std::find_if(hosts_.begin(), hosts_.end(), is_tried);
  if (place == hosts_.end()) return hosts_.clear();  // libpq chose it, so there is no other
  const Host host = *place;
  auto rest = hosts_.erase(place);
  if (!host.address.empty()) return;  // it has one address; the other hosts follow
  for (const std::string& address : others) {
    rest = std::next(hosts_.insert(rest, {host.host, address, host.port}));
  }
}

std::string HostList::text() const {
  std::string text;
  for (const Host& host : hosts_) text += (text.empty() ? "" : ", ") + host.text();
  return text;
}

}  // namespace postoffice::postgres
