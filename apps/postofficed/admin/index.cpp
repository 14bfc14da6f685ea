// /: the live page for people, a list of the pages for programs.
#include <string>

#include "admin/page_text.hpp"
#include "admin/pages.hpp"

namespace postofficed {
namespace {

std::string joined_page() {
  std::string page;
  for (const char* piece : page_pieces) page += piece;
  return page;
}

// The page may run its own script, use its own style, and ask this daemon; nothing else, nowhere
// else. What a source or a sender made the daemon say is text in it, and could not run if it were
// not.
std::string page_policy() {
  return std::string("default-src 'none'; script-src ") + page_script_hash + "; style-src " +
         page_style_hash +
         "; connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; "
         "frame-ancestors 'none'";
}

// For curl and its like; a browser says that it takes HTML.
constexpr const char* list = R"(Postoffice. A browser shows a live page here. For programs:
/healthz             is everything well, part by part (503: no)
/readyz, /livez      would a callback be accepted, is the process alive
/metrics             for Prometheus
/status              all figures and options, JSON
/history             the samples behind the live page's curves, JSON: ?by=second|minute&after=N
/objects             stored objects: ?online=true|false&after=ID&limit=N; /objects/ID shows one
/dead-letters        ids that were given up; POST /dead-letters/replay|drop changes them
/receipts/RECEIPT    the progress of a callback; its receipt is in the header of its 202
/instances           the daemons that share the database
/version             of this program
)";

bool takes_html(const Request& request) {
  const auto accept = postoffice::header_value(request, "accept");
  return accept && accept->find("text/html") != std::string::npos;
}

}  // namespace

void show_index(const Shown&, const Request& request, const Respond& respond) {
  if (!takes_html(request)) return respond({200, "text/plain; charset=utf-8", list, {}});
  static const std::string page = joined_page();
  static const std::string policy = page_policy();
  respond({200, "text/html; charset=utf-8", page, {{"Content-Security-Policy", policy}}});
}

}  // namespace postofficed
