// What the tables of options and commands say, as text: for terminals, pages, manuals and shells.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "options/command_table.hpp"
#include "options/specification.hpp"

namespace postofficed {

/// For `postofficed WORDS --help`: the program, a group of commands, or one command.
std::string help_text(const std::vector<std::string>& words);

/// Everything, in one of the formats of `help --format`; nothing if there is no such format.
std::optional<std::string> reference_text(const std::string& format);

// The formats.
std::string manual_page();       ///< mdoc(7): docs/postofficed.8
std::string options_page();      ///< Markdown: docs/options.md
std::string environment_file();  ///< every option, commented out: the end of deploy/.example.env
std::string bash_completion();   ///< deploy/completions/postofficed.bash
std::string zsh_completion();    ///< deploy/completions/_postofficed
std::string fish_completion();   ///< deploy/completions/postofficed.fish

/// How an option is given, for people: "--ttl DURATION", "--public-health".
std::string flag_of(const Specification& row);
std::string flag_of(const Argument& argument);

/// The default, for people; and the help text without it.
std::string default_of(const Specification& row);
std::string help_of(const Specification& row);

/// "postofficed journal stat [--json] [options]".
std::string synopsis_of(const CommandSpecification& command);

/// The commands that read the option, as they are typed.
std::vector<std::string> readers_of(const Specification& row);

/// The text in lines that end before `width`; each but the first has `before` in front.
std::string wrapped(const std::string& text, std::size_t width, const std::string& before,
                    std::size_t used = 0);

/// The words that a value is chosen from: those of "all|online", true and false of a switch; empty:
/// any.
std::vector<std::string> choices_of(const char* value);

/// The rest of what all documents say.
struct Section {
  const char* title;
  const char* text;
};
std::vector<Section> sections();

}  // namespace postofficed
