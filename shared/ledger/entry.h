// entry.h - what every new record needs: an id of its own, and no text that has no place here.
#pragma once

#include "replica/replica.h"

#include <string>

namespace taizhang::ledger {

/// An id that two offices offline do not both make: the entity's letter, 15 bits of the device and 35 random ones that
/// no row here has yet.
std::string new_id(Replica& r, const Entity& e);
/// Classified content has no place here: the marking itself is refused on entry. Errc::bad_input.
Result<> check_marking(const std::string& text);
/// The same, not UTF-8, or too long. Errc::bad_input.
Result<> check_text(const std::string& text);

}  // namespace taizhang::ledger
