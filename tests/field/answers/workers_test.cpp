// Sources with few workers, each of which a connection may occupy: no fetch starves, and none
// counts as a failure.
#include "field/answers/neighbours.hpp"

using namespace postoffice::testing;
using namespace std::chrono_literals;

namespace {

const std::string folder = std::string(FIELD_DIRECTORY);

std::vector<std::string> python(std::uint16_t port, const std::string& how) {
  need("/usr/bin/python3");
  return {"/usr/bin/python3", folder + "/source.py", std::to_string(port), how};
}

std::string apache_configuration(const OpenDirectory& directory, std::uint16_t port) {
  std::filesystem::create_directory(directory / "objects");
  for (int id = 1; id <= 300; ++id) {
    directory.write("objects/" + std::to_string(id),
                    "{\"id\":" + std::to_string(id) + ",\"online\":true}\n");
  }
  const std::string modules = "/usr/lib/apache2/modules/";
  return directory.write(
      "apache.conf", "LoadModule mpm_prefork_module " + modules + "mod_mpm_prefork.so\n" +
                         "LoadModule authz_core_module " + modules + "mod_authz_core.so\n" +
                         "ServerName localhost\nListen 127.0.0.1:" + std::to_string(port) +
                         "\nPidFile " + directory.path() + "/pid\nErrorLog " + directory.path() +
                         "/log\nDocumentRoot " + directory.path() +
                         "\nUser www-data\nGroup www-data\n<Directory />\n" +
                         "Require all granted\n</Directory>\nKeepAlive On\nKeepAliveTimeout 5\n" +
                         "StartServers 4\nMinSpareServers 4\nMaxSpareServers 4\nServerLimit 4\n" +
                         "MaxRequestWorkers 4\n");
}

}  // namespace

TEST_CASE("Apache prefork with four workers answers 300 ids at once within 3 s") {
  need("/usr/sbin/apache2");
  need("/usr/lib/apache2/modules/mod_mpm_prefork.so");
  const OpenDirectory directory;
  const auto port = free_port();
  const auto configuration = apache_configuration(directory, port);
  const Neighbour apache(port, {"/usr/sbin/apache2", "-DFOREGROUND", "-f", configuration});
  Asking asking(port);
  asking.post(1, 300);
  CHECK(asking.stores(300, 3s));
  CHECK(asking.metric("postoffice_fetch_failures_total") == 0);
  // What has been learned holds for the next callback.
  asking.post(1, 300);
  CHECK(asking.stores(600, 3s));
  CHECK(asking.metric("postoffice_fetch_failures_total") == 0);
}

TEST_CASE("a single thread that keeps connections answers one after the other") {
  const auto port = free_port();
  const Neighbour source(port, python(port, "single"));
  Asking asking(port);
  asking.post(1, 60);
  CHECK(asking.stores(60, 8s));
  CHECK(asking.metric("postoffice_fetch_failures_total") == 0);
}

TEST_CASE("servers that close, limit requests or queue few connections get one fetch per id") {
  for (const std::string how : {"http10", "closing", "limited"}) {
    CAPTURE(how);
    const auto port = free_port();
    const Neighbour source(port, python(port, how));
    Asking asking(port);
    asking.post(1, 200);
    CHECK(asking.stores(200, 15s));
    asking.post(1, 200);
    CHECK(asking.stores(400, 15s));
    CHECK(asking.metric("postoffice_fetch_failures_total") == 0);
    CHECK(asking.metric("postoffice_fetches_total") == 400);
    // The server has counted, too: what it did not answer it has not got.
    const auto seen = http_get(port, "/objects/count").body;
    if (how != "http10") CHECK(seen == "400");
  }
}

TEST_CASE("gunicorn with one sync worker, or with threads, answers every id without a failure") {
  need("/usr/bin/gunicorn");
  const std::vector<Arguments> kinds{
      {"--worker-class", "sync", "--backlog", "5"},
      {"--worker-class", "gthread", "--threads", "4", "--keep-alive", "5"},
      {"--worker-class", "gthread", "--threads", "2", "--worker-connections", "2"}};
  for (const auto& kind : kinds) {
    CAPTURE(kind.back());
    const auto port = free_port();
    Arguments command{"/usr/bin/gunicorn", "--chdir", folder, "--bind",
                      "127.0.0.1:" + std::to_string(port)};
    command.insert(command.end(), kind.begin(), kind.end());
    command.push_back("app:app");
    const Neighbour gunicorn(port, command);
    Asking asking(port);
    asking.post(1, 200);
    CHECK(asking.stores(200, 10s));
    CHECK(asking.metric("postoffice_fetch_failures_total") == 0);
  }
}
