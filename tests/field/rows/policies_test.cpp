// Row level security: a policy that refuses a row, or hides it, from a role that is not a
// superuser. All other rows are touched, stored and deleted in time.
#include <doctest/doctest.h>

#include "live.hpp"

using namespace postoffice::testing;
using namespace std::chrono_literals;

namespace {

/// The daemon's role owns the tables, and the policies hold for it all the same.
struct Policies : Live {
  Policies() {
    cluster.sql("CREATE ROLE clerk LOGIN; GRANT ALL ON SCHEMA public TO clerk");
    store = "host=127.0.0.1 port=" + cluster.port() + " user=clerk dbname=postgres";
  }

  void protect(const std::string& policy) const {
    cluster.sql("CREATE POLICY ours ON objects " + policy +
                "; ALTER TABLE objects ENABLE ROW LEVEL SECURITY;"
                "ALTER TABLE objects FORCE ROW LEVEL SECURITY");
  }

  std::string reason_of(int id) const {
    return cluster.sql("SELECT reason FROM dead_letters WHERE id = " + std::to_string(id));
  }

  bool log_says(const std::string& part) const {
    return daemon->process().err().find(part) != std::string::npos;
  }
};

}  // namespace

TEST_CASE_FIXTURE(Policies, "a policy refuses one id (S4, S6, S7)") {
  begin();
  protect("USING (true) WITH CHECK (id <> 13)");
  daemon->post("11,12,13,14");
  for (const int id : {11, 12, 14}) CHECK(gets_row(id));
  check_touched(2s, 0);
  CHECK(health_says("id 13 ", "42501 new row violates row-level security policy"));
  CHECK(loses_row(11, 7s));
  CHECK(eventually(
      [&] { return reason_of(13).find("row-level security policy") != std::string::npos; }, 10s));
  CHECK(well());
  check_identity();
  CHECK_FALSE(log_says("works again"));  // the store was never away

  cluster.sql("DROP POLICY ours ON objects; CREATE POLICY all_may ON objects USING (true)");
  daemon->post("13");
  CHECK(gets_row(13));
  CHECK(eventually([&] { return reason_of(13).empty(); }));
}

TEST_CASE_FIXTURE(Policies,
                  "a policy hides a row: it is left alone, and no other suffers (S4, S6)") {
  begin();
  daemon->post("13,14");
  REQUIRE(gets_row(13));
  REQUIRE(gets_row(14));
  protect("USING (id <> 13) WITH CHECK (true)");
  const auto seen = found().at(13).last_seen;
  daemon->post("13,15");
  CHECK(gets_row(15));
  CHECK(health_says("id 13 ", "23505 "));
  check_touched(2s, 0);
  CHECK(loses_row(15, 7s));
  CHECK(eventually([&] { return reason_of(13).find("23505") != std::string::npos; }, 10s));
  CHECK(found().at(13).last_seen == seen);
  CHECK(well());
  check_identity();
  CHECK_FALSE(log_says("works again"));

  cluster.sql("ALTER TABLE objects DISABLE ROW LEVEL SECURITY");
  daemon->post("13");
  CHECK(eventually([&] {
    const auto all = found();
    return all.contains(13) && all.at(13).last_seen > seen;
  }));
  CHECK(loses_row(13, 7s));
}
