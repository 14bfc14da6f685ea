# Settings of all targets.
include(${CMAKE_CURRENT_LIST_DIR}/PostofficeInstall.cmake)

# Sets language level, warnings and visibility of a target.
function(postoffice_configure target)
  target_compile_features(${target} PUBLIC cxx_std_20)
  set_target_properties(${target} PROPERTIES CXX_EXTENSIONS OFF)
  # GCC 12 sees overlapping copies in std::string's operator+ at -O2 (GCC bug 105651), and copies
  # beyond its end under ThreadSanitizer and where the headers are precompiled.
  if(CMAKE_CXX_FLAGS MATCHES "-fsanitize=thread" OR POSTOFFICE_PRECOMPILE)
    target_compile_options(${target} PRIVATE -Wno-array-bounds
      "$<$<CXX_COMPILER_ID:GNU>:-Wno-stringop-overflow;-Wno-stringop-overread>")
  endif()
  target_compile_options(${target} PRIVATE -Wall -Wextra -Wpedantic
    $<$<AND:$<CXX_COMPILER_ID:GNU>,$<VERSION_LESS:$<CXX_COMPILER_VERSION>,13>>:-Wno-restrict>
    $<$<BOOL:${POSTOFFICE_WERROR}>:-Werror>)
endfunction()

# Precompiles the most expensive headers for this target (with POSTOFFICE_PRECOMPILE).
function(postoffice_precompile target)
  if(POSTOFFICE_PRECOMPILE)
    target_precompile_headers(${target} PRIVATE
      <asio.hpp> <algorithm> <chrono> <functional> <map> <string> <thread> <vector> ${ARGN})
  endif()
endfunction()

# postoffice_library(<target> <namespace name>): adds a library with its public headers.
function(postoffice_library target)
  postoffice_configure(${target})
  set_target_properties(${target} PROPERTIES POSITION_INDEPENDENT_CODE ON)
  if(POSTOFFICE_UNITY)  # GCC takes the one file for a main file with headers, and unnamed namespaces
    set_target_properties(${target} PROPERTIES UNITY_BUILD ON)  # in headers for a mistake
    target_compile_options(${target} PRIVATE $<$<CXX_COMPILER_ID:GNU>:-Wno-subobject-linkage>)
  endif()
  target_include_directories(${target}
    PUBLIC $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include>
           $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>
    PRIVATE ${PROJECT_SOURCE_DIR}/lib)
endfunction()
