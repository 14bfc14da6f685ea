// A row that the database refuses, or that somebody has locked and forgotten: the others are
// touched, stored and deleted in time; that one is named, and comes when it can.
#include <doctest/doctest.h>

#include <algorithm>

#include "live.hpp"
#include "support/has.hpp"

using namespace postoffice::testing;
using namespace std::chrono_literals;

TEST_CASE_FIXTURE(Live, "a constraint refuses one id, a foreign key holds another (S4, S6, S7)") {
  begin();
  cluster.sql("CREATE TABLE notes (object bigint REFERENCES objects (id))");
  std::string ids = "500";
  for (int id = 501; id < 600; ++id) ids += "," + std::to_string(id);
  daemon->post(ids);
  REQUIRE(eventually([&] { return found().size() == 110; }));
  cluster.sql("INSERT INTO notes VALUES (555)");
  cluster.sql("ALTER TABLE objects ADD CONSTRAINT unlucky CHECK (id <> 13) NOT VALID");
  daemon->post("11,12,13,14");
  for (const int id : {11, 12, 14}) CHECK(gets_row(id));
  daemon->post("15,16");
  CHECK(gets_row(16));
  check_touched(3s, 0);
  CHECK(health_says("id 13", "23514"));
  CHECK(daemon->page("/metrics").body.find("stuck_rows{what=\"write\"} 1") != std::string::npos);
  CHECK(eventually([&] { return found().size() == 11 && found().contains(555); }, 8s));
  CHECK(health_says("id 555", "23503"));
  check_touched(1s, 0);
  const std::string letter = "SELECT reason FROM dead_letters WHERE id = 13";
  CHECK(eventually([&] { return cluster.sql(letter).find("unlucky") != std::string::npos; }, 10s));
  cluster.sql("DELETE FROM notes");
  CHECK(loses_row(555, 10s));
  CHECK(well());
  check_identity();
  CHECK(times(daemon->process().err(), "cannot be written") == 1);
  CHECK(times(daemon->process().err(), "works again") == 0);

  cluster.sql("ALTER TABLE objects DROP CONSTRAINT unlucky");
  daemon->post("13");
  CHECK(gets_row(13));
  CHECK(eventually([&] { return cluster.sql("SELECT count(*) FROM dead_letters") == "0"; }));
}

TEST_CASE_FIXTURE(Live, "a lock on one row that somebody forgot (S4, S6)") {
  begin();
  daemon->post("50,51");
  REQUIRE(gets_row(50));
  REQUIRE(gets_row(51));
  {
    const Holder holder(cluster, "SELECT FROM objects WHERE id IN (5, 50) FOR UPDATE");
    daemon->post("100,101");
    CHECK(gets_row(101, 2s));
    check_touched(4s, 5);
    CHECK(loses_row(51, 6s));
    CHECK(health_says("id 5 ", "55P03"));
    CHECK(found().contains(50));
  }
  // Received all the time, and released: it is not deleted, and touched.
  CHECK(loses_row(50, 6s));
  CHECK(eventually([&] { return oldest_seconds(0) < 1.6; }, 6s));
  CHECK(well());
  CHECK(cluster.sql(
            "SELECT count(*) FROM postoffice_held WHERE last_seen > now() - interval '1 s'") ==
        "0");
}

TEST_CASE_FIXTURE(Live, "rules, policies, triggers and deferred constraints (S4)") {
  begin("30s");
  const auto stores = [&](int id) {
    daemon->post(std::to_string(id) + "," + std::to_string(id + 1));
    CHECK(gets_row(id + 1));
    check_touched(1s, 0);
  };
  cluster.sql(
      "CREATE TABLE log (id bigint); CREATE RULE told AS ON UPDATE TO objects"
      " DO ALSO INSERT INTO log VALUES (new.id)");
  stores(20);
  CHECK(cluster.sql("SELECT count(*) > 0 FROM log") == "t");
  cluster.sql("DROP RULE told ON objects");
  cluster.sql(
      "CREATE FUNCTION never() RETURNS trigger LANGUAGE plpgsql AS"
      " 'BEGIN IF new.id = 30 THEN PERFORM 1 / 0; END IF; RETURN new; END';"
      "CREATE TRIGGER never BEFORE INSERT ON objects FOR EACH ROW EXECUTE FUNCTION never()");
  stores(30);
  CHECK_FALSE(found().contains(30));
  cluster.sql(
      "CREATE CONSTRAINT TRIGGER later AFTER INSERT ON objects DEFERRABLE INITIALLY DEFERRED"
      " FOR EACH ROW WHEN (new.id = 40) EXECUTE FUNCTION never();"
      "CREATE OR REPLACE FUNCTION never() RETURNS trigger LANGUAGE plpgsql AS"
      " 'BEGIN IF new.id IN (30, 40) THEN RAISE ''no %'', new.id; END IF; RETURN new; END'");
  stores(40);
  CHECK_FALSE(found().contains(40));
  cluster.sql("DROP FUNCTION never CASCADE");
  CHECK(gets_row(30, 10s));
  CHECK(gets_row(40, 10s));
  CHECK(well());
}
