// marking.h - classified content has no place in the ledger: its marking is refused on entry.
//
// A marking is what stands on a classified document: 绝密, 机密 or 秘密 with a star and a term
// (秘密★1年), in brackets (【机密】), as a word by itself (a line of its own, or with spaces or a
// colon beside it), behind 密级. The same characters inside ordinary words are no marking:
// 秘密战线, 保守秘密, 机密性, 商业秘密. 绝密 has no ordinary use, so it counts wherever it
// stands, except inside a list (绝密、机密、秘密 are forbidden here) or a title 《…》.
// Spaces inside (秘 密) and full-width characters do not hide it.
//
// Entry only: what was admitted elsewhere is judged by the catalog, which knows no words.
// Threads: any.
#pragma once

#include <string>
#include <string_view>

namespace taizhang {

/// The marking as it stands in the text, or empty.
std::string secrecy_marking(std::string_view text);

}  // namespace taizhang
