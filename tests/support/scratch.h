// scratch.h - where a test puts a file: below TMPDIR, which tools/test gives each run for itself.
#pragma once

#include <filesystem>
#include <string>

namespace taizhang::support {

inline std::string scratch(const std::string& name) { return (std::filesystem::temp_directory_path() / name).string(); }

}  // namespace taizhang::support
