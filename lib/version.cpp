#include "postoffice/version.hpp"

namespace postoffice {

const char* version() noexcept { return POSTOFFICE_VERSION; }

}  // namespace postoffice
