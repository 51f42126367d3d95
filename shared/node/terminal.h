// terminal.h - a secret that a person types: without echo, or the first line of what is piped in.
// Never from the command line, which every user of the PC can read.
#pragma once

#include "base/result.h"

#include <string>

namespace taizhang::node {

/// Somebody sits at standard input.
bool has_person();
/// Asks on the terminal, with `prompt`; without one reads the next line of standard input. Errc::usage: nothing came.
Result<std::string> read_secret(const std::string& prompt);

}  // namespace taizhang::node
