// The live page as the build joined it (cmake/EmbedPage.cmake; its sources: page/).
#pragma once

#include <initializer_list>

namespace postofficed {

/// The text of the page, in pieces.
extern const std::initializer_list<const char*> page_pieces;

/// The page's style and script as a Content-Security-Policy names them.
extern const char* const page_style_hash;
extern const char* const page_script_hash;

}  // namespace postofficed
