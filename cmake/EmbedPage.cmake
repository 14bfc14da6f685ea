# Writes the live page into a C++ source: cmake -DDIRECTORY=… -DOUTPUT=… -DSCRIPTS=a.js,b.js
# -P EmbedPage.cmake. page.html gets page.css and the scripts, joined, in the places that it marks;
# the hashes of both are what the page's Content-Security-Policy allows.
#
# Texts are never lists here: CMake would split them at semicolons.
cmake_minimum_required(VERSION 3.25)

# The SHA-256 of a text as a Content-Security-Policy writes it: base64, three hexadecimal digits
# (12 bits) being two letters. The 64 digits leave one over: 4 bits, a letter, and one "=".
function(policy_hash text result)
  set(letters "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/")
  string(SHA256 digits "${text}")
  set(encoded "")
  foreach(place RANGE 0 60 3)
    string(SUBSTRING "${digits}" ${place} 3 three)
    math(EXPR high "0x${three} >> 6")
    math(EXPR low "0x${three} & 63")
    string(SUBSTRING "${letters}" ${high} 1 first)
    string(SUBSTRING "${letters}" ${low} 1 second)
    string(APPEND encoded "${first}${second}")
  endforeach()
  string(SUBSTRING "${digits}" 63 1 one)
  math(EXPR high "0x${one} << 2")
  string(SUBSTRING "${letters}" ${high} 1 first)
  set(${result} "'sha256-${encoded}${first}='" PARENT_SCOPE)
endfunction()

# The parts of page.html before and after a mark.
function(split text mark before after)
  string(FIND "${text}" "${mark}" at)
  if(at EQUAL -1)
    message(FATAL_ERROR "page.html: there is no ${mark}")
  endif()
  string(SUBSTRING "${text}" 0 ${at} head)
  string(LENGTH "${mark}" length)
  math(EXPR at "${at} + ${length}")
  string(SUBSTRING "${text}" ${at} -1 tail)
  set(${before} "${head}" PARENT_SCOPE)
  set(${after} "${tail}" PARENT_SCOPE)
endfunction()

file(READ ${DIRECTORY}/page.html page)
file(READ ${DIRECTORY}/page.css style)
split("${page}" "<!-- style -->" head rest)
split("${rest}" "<!-- script -->" body foot)

set(script "")
set(pieces "")
string(REPLACE "," ";" script_files "${SCRIPTS}")
foreach(name IN LISTS script_files)
  file(READ ${DIRECTORY}/${name} text)
  if("${text}" MATCHES "</script|<!--|\\)page\"")
    message(FATAL_ERROR "${name}: \"${CMAKE_MATCH_0}\" would end the script")
  endif()
  string(APPEND script "${text}")
  # A literal for each file: compilers need not take long ones.
  string(APPEND pieces "    R\"page(${text})page\",\n")
endforeach()

policy_hash("${style}" style_hash)
policy_hash("${script}" script_hash)
file(WRITE ${OUTPUT} "// Written by cmake/EmbedPage.cmake from the files in apps/postofficed/admin/page.
#include \"admin/page_text.hpp\"

namespace postofficed {

const char* const page_style_hash = \"${style_hash}\";
const char* const page_script_hash = \"${script_hash}\";

const std::initializer_list<const char*> page_pieces = {
    R\"page(${head})page\",
    R\"page(${style})page\",
    R\"page(${body})page\",
${pieces}    R\"page(${foot})page\",
};

}  // namespace postofficed
")
