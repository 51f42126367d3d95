// Bundle files: as they lie on a stick, and what is inside one that a genuine device sealed to this one.
#include "sync/bundle.h"
#include "tests/fuzz/fuzz.h"
#include "tests/support/world.h"
#include "wire/envelope.h"
#include "wire/messages.h"

using namespace taizhang;

namespace {

struct City : support::World {
    std::unique_ptr<support::Device> a = device("B01"), b = device("B01");
};

City& city() {
    static City c;
    return c;
}

/// The hash at its end would hide everything else: it is put right here.
std::string with_mark(std::string file) {
    const auto mark = hash_of(file);
    Writer(file).str(view(mark.bytes));
    return file;
}

/// In the layout of schema/PROTOCOL.md: signed by `a`, for the eyes of `b`.
std::string sealed(std::string_view letter_here) {
    auto& a = city().a;
    std::string letter, file = "TZB\x01";
    Writer inside(letter), frame(file);
    inside.raw(view((*a)->id().bytes));
    inside.str(a->keys.device->sign(kForBundle, letter_here));
    inside.str(letter_here);
    frame.u8(trust::kSodium);
    const std::vector<trust::PublicKey> receivers{city().b->keys.device->public_key()};
    const auto box = trust::seal_to(receivers, file, letter);
    if (!box) std::abort();
    frame.str({});
    frame.str(*box);
    return with_mark(std::move(file));
}

/// What `a` says in this city, with everything else as it is given; empty: no bundle's body.
std::string letter_of_a(std::string_view body) {
    std::string message(1, 'b');
    Writer(message).varint(wire::kVersion);
    wire::put_in_envelope(body, message);
    wire::Bundle bundle;
    if (!wire::decode(message, bundle)) return {};
    bundle.from = (*city().a)->id();
    bundle.city = city().city->control().city_mark();
    return wire::encode(bundle);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto bytes = fuzz::view(data, size);
    if (bytes.empty()) return 0;
    const auto rest = bytes.substr(1);
    auto& b = **city().b;
    switch (bytes.front() % 3) {
        case 0: static_cast<void>(sync::take_bundle(b, rest)); break;
        case 1: static_cast<void>(sync::take_bundle(b, with_mark(std::string(rest)))); break;
        default:
            if (const auto letter = letter_of_a(rest); !letter.empty())
                static_cast<void>(sync::take_bundle(b, sealed(letter)));
    }
    return 0;
}
