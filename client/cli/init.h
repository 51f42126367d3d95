// init.h - a new root from a city file: all of it, or nothing.
#pragma once

#include <string>

namespace taizhang::cli {

/// Gives the exit status. What was begun and failed is taken away again.
int init_city(const std::string& dir, const std::string& city_file, bool as_json);
/// Progress is for a person who watches; into a file go errors only.
bool shows_progress();
/// Removes the files of a node that was never finished, and its folder if it is empty then.
void remove_node_files(const std::string& dir, bool with_keys = true);

}  // namespace taizhang::cli
