# Writes SQL files into a C++ source: cmake -DDIRECTORY=… -DOUTPUT=… -DSTATEMENTS=a.sql,b.sql
# -DSCRIPTS=c.sql,… [-DNAMESPACE=…] -P EmbedSql.cmake. The format of the files:
# lib/postgres/sql/README.md. With a namespace, it writes a header with one constant for each.
#
# Texts are never lists here: CMake would split them at semicolons.
cmake_minimum_required(VERSION 3.25)

# Without lines that hold only a comment, empty lines, and white space at both ends.
function(bare text result)
  string(REGEX REPLACE "\n[ \t]*--[^\n]*" "" text "\n${text}")
  string(REGEX REPLACE "\n([ \t]*\n)+" "\n" text "${text}")
  string(STRIP "${text}" text)
  set(${result} "${text}" PARENT_SCOPE)
endfunction()

# Reads a file, with the files that it includes inserted.
function(read_sql name result)
  file(READ ${DIRECTORY}/${name} text)
  while("${text}" MATCHES "-- include: ([^\n]+)")
    set(line "${CMAKE_MATCH_0}")
    read_sql("${CMAKE_MATCH_1}" included)
    string(REPLACE "${line}" "\n${included}" text "${text}")
  endwhile()
  set(${result} "${text}" PARENT_SCOPE)
endfunction()

# Appends `case`s, one for each statement.
function(add_statements name)
  read_sql(${name} text)
  set(marker "\n-- name: ")
  string(LENGTH "${marker}" marker_length)
  string(FIND "${text}" "${marker}" at)
  while(NOT at EQUAL -1)
    math(EXPR at "${at} + ${marker_length}")
    string(SUBSTRING "${text}" ${at} -1 text)
    string(REGEX MATCH "^[a-z_]+" statement "${text}")
    string(LENGTH "${statement}" length)
    string(FIND "${text}" "${marker}" at)
    string(SUBSTRING "${text}" ${length} -1 sql)
    if(NOT at EQUAL -1)
      math(EXPR length "${at} - ${length}")
      string(SUBSTRING "${sql}" 0 ${length} sql)
    endif()
    bare("${sql}" sql)
    string(REGEX REPLACE ";$" "" sql "${sql}")
    if(statement STREQUAL "" OR sql STREQUAL "")
      message(FATAL_ERROR "${name}: a statement without a name or text: \"${statement}\"")
    endif()
    string(APPEND cases "    case Statement::${statement}:\n"
      "      return {\"postoffice_${statement}\", R\"sql(${sql})sql\"};\n")
    string(APPEND constants
      "inline constexpr const char* ${statement} = R\"sql(${sql})sql\";\n\n")
  endwhile()
  set(cases "${cases}" PARENT_SCOPE)
  set(constants "${constants}" PARENT_SCOPE)
endfunction()

set(cases "")
set(constants "")
string(REPLACE "," ";" statement_files "${STATEMENTS}")
foreach(name IN LISTS statement_files)
  add_statements(${name})
endforeach()

set(scripts "")
string(REPLACE "," ";" script_files "${SCRIPTS}")
foreach(name IN LISTS script_files)
  read_sql(${name} sql)
  bare("${sql}" sql)
  get_filename_component(variable ${name} NAME_WE)
  string(APPEND scripts "const char* const ${variable}_sql = R\"sql(${sql})sql\";\n\n")
  string(APPEND constants "inline constexpr const char* ${variable} = R\"sql(${sql})sql\";\n\n")
endforeach()

if(NAMESPACE)
  file(WRITE ${OUTPUT} "// Written by cmake/EmbedSql.cmake.
#pragma once

namespace ${NAMESPACE} {

${constants}}  // namespace ${NAMESPACE}
")
  return()
endif()

file(WRITE ${OUTPUT} "// Written by cmake/EmbedSql.cmake from the files in lib/postgres/sql.
#include \"postgres/schema.hpp\"
#include \"postgres/statements.hpp\"

namespace postoffice::postgres {

${scripts}StatementText text_of(Statement statement) {
  switch (statement) {
${cases}  }
  return {};
}

}  // namespace postoffice::postgres
")
