// Who may use the admin listener: names, origins, tokens, and what a daemon starts with.
#include "admin/access.hpp"

#include <doctest/doctest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>
#include <string>
#include <vector>

#include "daemon/admin_access.hpp"
#include "support/admin_files.hpp"
#include "support/temporary_directory.hpp"

using namespace postofficed;
using postoffice::testing::TemporaryDirectory;

namespace {

const std::string token = "0123456789abcdef";

int status(const Access& access, const std::string& path, const std::string& fields,
           bool changes = false) {
  postoffice::HttpRequest request;
  request.method = changes ? "POST" : "GET";
  request.path = path;
  request.head = request.method + " " + path + " HTTP/1.1\r\n" + fields + "\r\n";
  const auto refused = access.refuse(request, changes);
  return refused ? refused->status : 200;
}

int status_as(const Access& access, const std::string& host) {
  return status(access, "/metrics", "Host: " + host + "\r\n");
}

}  // namespace

TEST_CASE("a listener for this machine takes only names of this machine") {
  const Access access({.host = "Admin.Example"}, token);
  for (const char* host :
       {"localhost", "localhost:9091", "LOCALHOST:1", "localhost.:9091", "127.0.0.1:9091",
        "127.8.9.1", "[::1]:9091", "[::1]", "admin.example:80"}) {
    CAPTURE(host);
    CHECK(status_as(access, host) == 200);
  }
  for (const char* host : {"evil.example", "evil.example:9091", "localhost.evil.example",
                           "127.0.0.1.evil.example:9091", "10.0.0.1:9091", "[::2]:9091",
                           "0.0.0.0:9091", "1270.0.0.1", "localhost:9091:9091", "[", "]", ":"}) {
    CAPTURE(host);
    CHECK(status_as(access, host) == 421);
  }
  CHECK(status(access, "/livez", "Host: evil.example\r\n") == 421);
  CHECK(status(access, "/metrics", "") == 200);  // HTTP/1.0, which no browser speaks
  CHECK(status_as(Access({.loopback = false}, token), "any.example") == 200);
}

TEST_CASE("a page of another origin gets nothing, whatever it asks for") {
  const Access access({.loopback = false}, token);
  const auto from = [&](const std::string& origin) {
    return status(access, "/metrics", "Host: here:9091\r\nOrigin: " + origin + "\r\n");
  };
  CHECK(from("http://here:9091") == 200);
  CHECK(from("https://HERE:9091") == 200);
  for (const char* origin : {"null", "http://evil.example", "http://here", "http://here:90911",
                             "http://here:9091.evil.example", "ftp://here:9091", "here:9091", "",
                             "http://here:9091, http://evil.example"}) {
    CAPTURE(origin);
    CHECK(from(origin) == 403);
  }
  CHECK(status(access, "/livez", "Origin: http://\r\n") == 403);  // without a Host, too
  CHECK(status(access, "/dead-letters/drop",
               "Host: a\r\nOrigin: http://b\r\nAuthorization: Bearer " + token + "\r\n",
               true) == 403);
}

TEST_CASE("without a token of one's own reading is open, and changes need the daemon's") {
  const Access access({}, token);
  const auto with = [&](const std::string& value) {
    return status(access, "/dead-letters/drop",
                  "Host: localhost\r\nAuthorization: " + value + "\r\n", true);
  };
  CHECK(status_as(access, "localhost") == 200);
  CHECK(status(access, "/dead-letters/drop", "Host: localhost\r\n", true) == 401);
  CHECK(with("Bearer " + token) == 200);
  CHECK(with("bearer " + token) == 200);
  for (const auto& value : std::vector<std::string>{
           token, "Bearer", "Bearer ", "Bearer x", "Basic " + token, "Bearer " + token + "0",
           "Bearer " + token.substr(1), "Bearer  " + token, "Bearer " + token + token}) {
    CAPTURE(value);
    CHECK(with(value) == 401);
  }
  CHECK(status(Access({}, ""), "/dead-letters/drop",
               "Host: localhost\r\nAuthorization: Bearer \r\n", true) == 403);
}

TEST_CASE("with a token file everything needs the token but probes and the page") {
  Access access({.loopback = false, .token_for_all = true}, token);
  const std::string right = "Authorization: Bearer " + token + "\r\n";
  for (const char* path : {"/metrics", "/objects", "/healthz", "/status", "/nowhere", "/livez/"}) {
    CAPTURE(path);
    CHECK(status(access, path, "") == 401);
    CHECK(status(access, path, right) == 200);
  }
  for (const char* path : {"/livez", "/readyz", "/"}) CHECK(status(access, path, "") == 200);
  access.set_token("another-token-of-16-bytes");
  CHECK(status(access, "/metrics", right) == 401);
}

TEST_CASE("tokens are compared whole") {
  CHECK(equal_in_constant_time(token, token));
  CHECK_FALSE(equal_in_constant_time("", ""));
  CHECK_FALSE(equal_in_constant_time("", token));
  for (std::size_t i = 0; i < token.size(); ++i) {
    auto other = token;
    other[i] ^= 1;
    CHECK_FALSE(equal_in_constant_time(other, token));
  }
}

TEST_CASE("a token has at least 16 bytes that fit into a header field") {
  const TemporaryDirectory directory;
  const auto read = [&](const std::string& content) {
    std::ofstream(directory / "token", std::ios::trunc) << content;
    return read_token(directory / "token");
  };
  CHECK(*read(" \n" + token + "\r\n") == token);
  for (const auto& bad : std::vector<std::string>{
           std::string(), std::string("\n\n"), token.substr(1), token + " " + token,
           token + "\xC3\xA9", token + "\n" + token, std::string(5'000, 'x')}) {
    CAPTURE(bad);
    const auto result = read(bad);
    REQUIRE_FALSE(result);
    CHECK(result.error().code == ExitCode::configuration);
    CHECK(result.error().message.find("0123456789") == std::string::npos);  // never shown
  }
  CHECK_FALSE(read_token(directory / "none"));
  CHECK(random_token() != random_token());
  CHECK(random_token().size() == 64);
}

TEST_CASE("other machines are let in only with a token, or when the options say so") {
  const TemporaryDirectory directory;
  std::ofstream(directory / "token") << token;
  Options options;
  for (const char* listen : {"localhost:9091", "127.0.0.1:0", "127.1.2.3:1", "[::1]:9091"}) {
    CAPTURE(listen);
    options.admin_listen = listen;
    CHECK_FALSE(check_admin(options, {}));
  }
  for (const char* listen : {"0.0.0.0:9091", ":9091", "*:9091", "[::]:9091", "192.0.2.1:9091"}) {
    CAPTURE(listen);
    options = {};
    options.admin_listen = listen;
    const auto failure = check_admin(options, {});
    CHECK(failure.code == ExitCode::configuration);
    CHECK(failure.message.find("--admin-token-file") != std::string::npos);
    options.admin_open = true;
    CHECK_FALSE(check_admin(options, {}));
    options.admin_open = false;
    options.admin_token_file = directory / "token";
    CHECK_FALSE(check_admin(options, {}));
    options.admin_token_file = directory / "none";
    CHECK(check_admin(options, {}).code == ExitCode::configuration);
  }
}

TEST_CASE("sockets that were passed are looked at, whatever --admin-listen says") {
  const auto bound_to = [](in_addr_t address) {
    const int made = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in where{};
    where.sin_family = AF_INET;
    where.sin_addr.s_addr = htonl(address);
    REQUIRE(bind(made, reinterpret_cast<sockaddr*>(&where), sizeof where) == 0);
    return made;
  };
  const int here = bound_to(INADDR_LOOPBACK);
  const int everywhere = bound_to(INADDR_ANY);
  CHECK(reached_from_here_only("0.0.0.0:1", {here}));
  CHECK_FALSE(reached_from_here_only("localhost:1", {here, everywhere}));
  close(here);
  close(everywhere);
  CHECK(reachable("0.0.0.0:0", 5) == "127.0.0.1:5");
  CHECK(reachable(":1", 5) == "127.0.0.1:5");
  CHECK(reachable("[::]:1", 5) == "[::1]:5");
  CHECK(reachable("localhost:0", 5) == "localhost:5");
}

TEST_CASE("a daemon is found by its directory while it lives, and only then") {
  const TemporaryDirectory directory;
  const auto path = directory.path();
  CHECK_FALSE(find_daemon(path)->has_value());
  {
    AdminFiles files;
    REQUIRE_FALSE(files.claim(path));
    CHECK(find_daemon(path).error().code == ExitCode::unavailable);  // no address yet
    REQUIRE_FALSE(files.write("localhost:5", token));
    CHECK(find_daemon(path)->value() == "localhost:5");
    CHECK(*find_token(path) == token);
    struct stat status {};
    REQUIRE(stat((path + "/admin-token").c_str(), &status) == 0);
    CHECK((status.st_mode & 0777) == 0600);
    AdminFiles second;
    CHECK(second.claim(path).code == ExitCode::journal);
  }
  CHECK_FALSE(std::ifstream(path + "/admin-token"));
  CHECK_FALSE(std::ifstream(path + "/admin-address"));

  // As after kill -9.
  std::ofstream(path + "/admin-address") << "localhost:6\n";
  std::ofstream(path + "/admin-token") << "stale-stale-stale-stale\n";
  CHECK_FALSE(find_daemon(path)->has_value());
  AdminFiles next;
  REQUIRE_FALSE(next.claim(path));
  REQUIRE_FALSE(next.write("localhost:7", ""));
  CHECK(find_daemon(path)->value() == "localhost:7");
  CHECK_FALSE(find_token(path));
}
