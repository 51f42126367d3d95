#include "sync/token.h"

#include "replica/replica.h"
#include "sync/upstream_facts.h"

namespace taizhang::sync {
namespace {

constexpr std::string_view kForToken = "token";  // what the seal is bound to
constexpr char kSealed = '\1';
constexpr std::size_t kPlainBytesMax = 32;  // a sealed one is longer

}  // namespace

Result<> keep_token(Replica& r, std::string_view token) {
    const auto& key = r.keys().device;
    if (token.empty() || !key) return r.set_fact(kToken, std::string(token));
    const auto own = key->public_key();
    TRY(const auto sealed, trust::seal_to(std::span(&own, 1), kForToken, token));
    return r.set_fact(kToken, kSealed + sealed);
}

Result<std::string> upstream_token(Replica& r) {
    TRY(auto kept, r.fact(kToken));
    // As it came: of a city without keys, or of a database that was enrolled by an earlier program.
    if (kept.size() <= kPlainBytesMax) return kept;
    const auto& key = r.keys().device;
    if (key && kept.front() == kSealed)
        if (auto token = key->open(kForToken, std::string_view(kept).substr(1))) return token;
    return fail(Errc::not_allowed,
                "本机没有登记时的密钥,不能同步;请重新 enrol,记录都在 / this device lacks the key that it was enrolled "
                "with: enrol again, no record is lost");
}

}  // namespace taizhang::sync
