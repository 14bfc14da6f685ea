// Proxies in front of the daemon, as deploy/proxies/ recommends to set them up: what the daemon
// says reaches the sender, and a restart under load loses no callback (S9, S10).
#include <unistd.h>

#include <string>

#include "field/proxies/front.hpp"
#include "field/proxies/restarts.hpp"
#include "support/free_port.hpp"
#include "support/skip.hpp"

using namespace postoffice::testing;

namespace {

const Front::Kind nginx{
    "nginx",
    "/usr/sbin/nginx",
    "nginx.conf",
    [](const std::string& directory, const std::string& file,
       const std::string&) -> std::vector<std::string> {
      return {"/usr/sbin/nginx",
              "-p",
              directory,
              "-c",
              file,
              "-g",
              "daemon off; pid " + directory + "/pid; error_log " + directory + "/log;"};
    },
    {{"http {",
      "http {\n access_log off; client_body_temp_path DIRECTORY/a; proxy_temp_path DIRECTORY/b;"
      " fastcgi_temp_path DIRECTORY/c; uwsgi_temp_path DIRECTORY/d; scgi_temp_path DIRECTORY/e;"}}};

const Front::Kind haproxy{"HAProxy", "/usr/sbin/haproxy", "haproxy.cfg",
                          [](const std::string&, const std::string& file,
                             const std::string&) -> std::vector<std::string> {
                            return {"/usr/sbin/haproxy", "-db", "-f", file};
                          }};

const Front::Kind apache{
    "Apache",
    "/usr/sbin/apache2",
    "apache.conf",
    [](const std::string&, const std::string& file,
       const std::string&) -> std::vector<std::string> {
      return {"/usr/sbin/apache2", "-D", "FOREGROUND", "-f", file};
    },
    {{"# Needs mod_proxy and mod_proxy_http.",
      "ServerRoot DIRECTORY\nServerName localhost\nPidFile DIRECTORY/pid\nErrorLog DIRECTORY/log\n"
      "LoadModule mpm_event_module /usr/lib/apache2/modules/mod_mpm_event.so\n"
      "LoadModule authz_core_module /usr/lib/apache2/modules/mod_authz_core.so\n"
      "LoadModule proxy_module /usr/lib/apache2/modules/mod_proxy.so\n"
      "LoadModule proxy_http_module /usr/lib/apache2/modules/mod_proxy_http.so\n"
      "User nobody\nGroup nogroup\nDefaultRuntimeDir DIRECTORY"}}};

const Front::Kind caddy{
    "Caddy",
    "/usr/bin/caddy",
    "Caddyfile",
    [](const std::string&, const std::string& file,
       const std::string&) -> std::vector<std::string> {
      return {"/usr/bin/caddy", "run", "--config", file, "--adapter", "caddyfile"};
    },
    {{"# Postoffice behind Caddy", "{\n\tadmin off\n\tauto_https off\n}\n# Postoffice"}}};

const Front::Kind varnish{"Varnish", "/usr/sbin/varnishd", "varnish.vcl",
                          [](const std::string& directory, const std::string& file,
                             const std::string& port) -> std::vector<std::string> {
                            return {"/usr/sbin/varnishd",
                                    "-F",
                                    "-j",
                                    "none",
                                    "-n",
                                    directory + "/varnish",
                                    "-s",
                                    "malloc,16m",
                                    "-a",
                                    "127.0.0.1:" + port,
                                    "-f",
                                    file};
                          }};

bool present(const Front::Kind& kind) { return access(kind.program.c_str(), X_OK) == 0; }

// What the daemon says, unchanged.
void check_answers(std::uint16_t port) {
  const auto accepted = http_call(port, "POST", "/callback", "{\"object_ids\":[1]}");
  CHECK(accepted.status == 202);
  // HAProxy writes the names of fields in lower case.
  CHECK(accepted.header("Postoffice-Receipt").size() +
            accepted.header("postoffice-receipt").size() >
        0);
  const auto malformed = http_call(port, "POST", "/callback", "{\"object_ids\":7}");
  CHECK(malformed.status == 400);
  CHECK(malformed.body.find("object_ids") != std::string::npos);
}

void try_behind(const Front::Kind& kind) {
  if (!present(kind)) return skip(std::string(kind.name) + " is not installed");
  const TemporaryDirectory directory;
  const PassedSocket socket;
  const auto front_port = free_port();
  const auto admin_port = free_port();
  Front front(kind, {front_port, socket.port(), admin_port});
  INFO(kind.name << ": " << front.said());
  const std::string admin = "127.0.0.1:" + std::to_string(admin_port);
  {
    Daemon daemon(directory.path(), {"--admin-listen", admin}, socket.pass(), false);
    REQUIRE(daemon.ready());
    REQUIRE(front.answers(front_port));
    check_answers(front_port);
    daemon.process().signal(SIGTERM);
    REQUIRE(daemon.process().exit_code() == 0);
  }
  Load load(front_port, 8, true);
  restart_under(load, socket.pass(), directory.path(), 4'000, 4, admin);
  CHECK(load.failed() == 0);
}

}  // namespace

TEST_CASE("S10: behind nginx nothing is lost in a restart") { try_behind(nginx); }
TEST_CASE("S10: behind HAProxy nothing is lost in a restart") { try_behind(haproxy); }
TEST_CASE("S10: behind Apache nothing is lost in a restart") { try_behind(apache); }
TEST_CASE("S10: behind Caddy nothing is lost in a restart") { try_behind(caddy); }
TEST_CASE("S10: behind Varnish nothing is lost in a restart") { try_behind(varnish); }
