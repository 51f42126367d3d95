// What the city's log is made of, certificates, keys.
#include "replica/control.h"
#include "tests/fuzz/fuzz.h"
#include "tests/support/world.h"

using namespace taizhang;

namespace {

/// Vouches for whomever it likes.
struct City : support::World {
    std::unique_ptr<support::Device> township = device("K1-01");
};

void judge_as_vouched(Certificate c) {
    static City city;
    const auto& key = *city.township->keys.device;
    c.issuer = "K1-01";
    c.issuer_replica = (*city.township)->id();
    c.signature = key.sign(kForCertificate, c.signed_part());
    static_cast<void>(city.city->control().judge(c));
    // With its own key and a name that fits, so that the tree decides.
    c.suite = key.public_key().suite;
    c.public_key = key.public_key().bytes;
    c.replica = trust::replica_id(key.public_key(), c.nonce);
    c.signature = key.sign(kForCertificate, c.signed_part());
    if (city.city->control().judge(c).verdict != ControlState::Verdict::good) return;
    fuzz::require(c.unit == "K1-01" || c.unit == "B01" || c.unit == "B02");
    fuzz::require(c.level <= Level::township);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto bytes = fuzz::view(data, size);
    if (bytes.empty()) return 0;
    const auto body = bytes.substr(1);
    switch (bytes.front() % 4) {
        case 0:
            if (const auto e = ControlEntry::decode(body)) {
                fuzz::require(e->encode() == body);
                ControlState state;
                static_cast<void>(state.apply(*e));
            }
            break;
        case 1:
            if (const auto c = Certificate::decode(body)) {
                fuzz::require(Certificate::decode(c->encode()).has_value());
                static_cast<void>(ControlState().judge(*c));
                judge_as_vouched(*c);
            }
            break;
        case 2: static_cast<void>(trust::PublicKey::decode(body)); break;
        default: static_cast<void>(trust::Key::from_file(body));
    }
    return 0;
}
