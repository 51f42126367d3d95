// id_from.h - an id or a hash out of the bytes of a column or of a hex text.
#pragma once

#include "base/ids.h"

namespace taizhang {

/// Zero when the bytes are not as many as it has: whatever wrote them, it was not this program. What goes by a zero id
/// finds nothing, and a zero hash fits nothing.
template <class Id>
Id id_from(std::string_view bytes) {
    Id id;
    if (bytes.size() == id.bytes.size()) std::memcpy(id.bytes.data(), bytes.data(), bytes.size());
    return id;
}

}  // namespace taizhang
