// Histograms in JSON.
#pragma once

#include "admin/pages.hpp"
#include "support/json.hpp"

namespace postofficed {

/// The member "histograms": those that this process has.
void write_histograms(Json& json, const Shown& shown, const postoffice::PipelineStatus& status);

}  // namespace postofficed
