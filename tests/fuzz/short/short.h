// short.h - seeds for the corpora, from what a small city really says. Tests only.
#pragma once

#include <string>

namespace taizhang::fuzz {

/// Writes CORPUS/TARGET/name for each target that reads what the program itself makes. False: cannot write.
bool make_seeds(const std::string& corpus);

}  // namespace taizhang::fuzz
