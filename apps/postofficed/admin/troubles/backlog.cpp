// More than the pipeline can take: work that is behind, since when and how far.
#include "admin/troubles.hpp"

namespace postofficed {

void find_backlog_troubles(const Shown&, const postoffice::PipelineStatus&, Troubles&) {}

}  // namespace postofficed
