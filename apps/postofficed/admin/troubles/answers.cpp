// The source's answers are all refused.
#include "admin/troubles.hpp"

namespace postofficed {

void find_answer_troubles(const Shown& shown, const postoffice::PipelineStatus& status,
                          Troubles& troubles) {
  // With nothing left to ask, the last answers say nothing about the present.
  if (!shown.source || !asks_source(status)) return;
  const auto source = shown.source->status();
  if (source.only_refused.empty()) return;
  troubles.push_back(
      {"source",
       "all answers are refused, " + std::to_string(source.refused_in_a_row) +
           " in a row; the newest: " + source.only_refused,
       "ask the source by hand with curl -i; postoffice_refused_answers_total counts them by "
       "reason"});
}

}  // namespace postofficed
