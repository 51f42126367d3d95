#include "ledger/new_record.h"

#include "base/bytes.h"
#include "base/hash.h"

#include <span>

namespace taizhang::ledger {

std::string derived_id(const Entity& e, const std::vector<std::string>& key) {
    static constexpr char digits[] = "23456789abcdefghjkmnpqrstuvwxyz0";
    std::string text;
    Writer w(text);
    w.str(e.name);
    for (const auto& k : key) w.str(k);
    const auto hash = hash_of(text);
    std::string id = e.prefix + "-";
    for (const auto b : std::span(hash.bytes).first(12)) id.push_back(digits[b & 31]);
    return id;
}

}  // namespace taizhang::ledger
