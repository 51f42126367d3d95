// similar.h - how alike two Chinese texts are, without a dictionary.
#pragma once

#include <string_view>

namespace taizhang::ledger {

/// 0 to 1: twice the pairs of neighbouring characters that both have, by the pairs of both (Dice). Blanks and
/// punctuation do not count. Two empty texts are not alike.
double similarity(std::string_view a, std::string_view b);

}  // namespace taizhang::ledger
