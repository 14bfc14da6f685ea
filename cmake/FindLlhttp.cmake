# Finds the llhttp parser. Result: Llhttp_SOURCES (compile them in) or Llhttp_LIBRARY (link it), and
# Llhttp_INCLUDE_DIR.
#
# A library of version 9 or newer is preferred. Debian 12 has none, but its node-llhttp package ships
# the generated C sources; they must be compiled with LLHTTP_STRICT_MODE=1, which closes three known
# request smuggling holes of 8.1 (lib/http/header_scan.hpp closes the others).
find_path(Llhttp_INCLUDE_DIR llhttp.h
          PATHS /usr/share/include/llhttp /usr/share/nodejs/llhttp/build)
if(Llhttp_INCLUDE_DIR)
  file(STRINGS ${Llhttp_INCLUDE_DIR}/llhttp.h lines REGEX "define LLHTTP_VERSION_(MAJOR|MINOR|PATCH)")
  string(REGEX REPLACE "[^0-9]*([0-9]+)[^0-9]*" "\\1." Llhttp_VERSION "${lines}")
  string(REGEX REPLACE ";|\\.$" "" Llhttp_VERSION "${Llhttp_VERSION}")
endif()
find_library(Llhttp_LIBRARY llhttp)
find_path(Llhttp_SOURCE_DIR llhttp.c PATHS /usr/share/llhttp)
set(Llhttp_SOURCES "")
if(Llhttp_LIBRARY AND Llhttp_VERSION VERSION_GREATER_EQUAL 9)
  set(llhttp_found_as ${Llhttp_LIBRARY})
elseif(Llhttp_SOURCE_DIR)
  set(Llhttp_LIBRARY "")
  foreach(name api http llhttp)
    list(APPEND Llhttp_SOURCES ${Llhttp_SOURCE_DIR}/${name}.c)
  endforeach()
  set(llhttp_found_as ${Llhttp_SOURCE_DIR})
endif()
include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(Llhttp REQUIRED_VARS llhttp_found_as Llhttp_INCLUDE_DIR
                                  VERSION_VAR Llhttp_VERSION)
mark_as_advanced(Llhttp_INCLUDE_DIR Llhttp_LIBRARY Llhttp_SOURCE_DIR)
