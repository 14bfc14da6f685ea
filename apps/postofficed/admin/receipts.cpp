// /receipts/<receipt>: the state of a callback.
#include <string_view>

#include "admin/pages.hpp"
#include "support/json.hpp"

namespace postofficed {

void show_receipt(const Shown& shown, const Request& request, const Respond& respond) {
  using Progress = postoffice::Pipeline::Progress;
  const auto text = request.path.substr(std::string_view("/receipts/").size());
  const auto unknown = problem_response(404, "\"" + text + "\" is not a receipt of this daemon");
  const auto receipt = postoffice::parse_receipt(text);
  if (!receipt) return respond(unknown);
  if (!shown.progress) {
    return respond(problem_response(404, "receipts are not tracked through a broker"));
  }
  shown.progress(*receipt, [respond, text, unknown](Progress progress) {
    if (progress == Progress::unknown) return respond(unknown);
    Json json;
    json.begin_object()
        .member("receipt", text)
        .member("status", progress == Progress::applied ? "applied" : "pending")
        .end_object();
    respond({200, "application/json", json.text() + "\n", {}});
  });
}

}  // namespace postofficed
