// /: where to find what.
#include "admin/pages.hpp"
#include "postoffice/version.hpp"

namespace postofficed {
namespace {

constexpr const char* head = R"(<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Postoffice</title>
<style>
  body { font: 1rem/1.5 system-ui, sans-serif; max-width: 40rem; margin: 2rem auto; padding: 0 1rem }
  dt { margin-top: .5rem } dd { margin: 0; color: #555 }
</style>
<h1>Postoffice )";

constexpr const char* links = R"(</h1>
<p>Callbacks are accepted on the other listener. These pages show what became of them.</p>
<dl>
  <dt><a href="/objects">/objects</a>, <a href="/objects?online=true">?online=true</a></dt>
  <dd>The stored objects; <code>after</code> and <code>limit</code> page through them;
      <code>/objects/1</code> shows one object</dd>
  <dt><a href="/status">/status</a></dt>
  <dd>All counts of this process, and its options</dd>
  <dt><a href="/metrics">/metrics</a></dt>
  <dd>The same for Prometheus</dd>
  <dt><a href="/healthz">/healthz</a>, <a href="/readyz">/readyz</a>, <a href="/livez">/livez</a></dt>
  <dd>Is everything well, can callbacks be accepted, is the process alive</dd>
  <dt>/receipts/&lt;receipt&gt;</dt>
  <dd>The progress of a callback; the receipt is in the header of its 202</dd>
  <dt><a href="/version">/version</a></dt>
  <dd>The version of this program</dd>
</dl>
</html>
)";

}  // namespace

void show_index(const Shown&, const Request&, const Respond& respond) {
  respond({200, "text/html; charset=utf-8", std::string(head) + postoffice::version() + links, {}});
}

}  // namespace postofficed
