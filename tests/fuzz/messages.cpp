// Every kind of message: the first byte chooses it, the rest is its body as it comes out of the envelope.
#include "wire/messages.h"
#include "tests/fuzz/fuzz.h"
#include "wire/envelope.h"
#include "wire/runs.h"

using namespace taizhang;

namespace {

template <class M>
void one(char kind, std::string_view body) {
    std::string message(1, kind);
    Writer(message).varint(wire::kVersion);
    wire::put_in_envelope(body, message);
    M m;
    if (!wire::decode(message, m)) return;
    // What can be read can be written, and reads the same.
    const auto again = wire::encode(m);
    M same;
    fuzz::require(wire::decode(again, same).has_value());
    fuzz::require(wire::encode(same) == again);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto bytes = fuzz::view(data, size);
    if (bytes.empty()) return 0;
    const auto body = bytes.substr(1);
    switch (bytes.front() % 6) {
        case 0: one<wire::SyncRequest>('q', body); break;
        case 1: one<wire::SyncReply>('r', body); break;
        case 2: one<wire::EnrolRequest>('e', body); break;
        case 3: one<wire::EnrolReply>('f', body); break;
        case 4: one<wire::Bundle>('b', body); break;
        default: {
            std::vector<std::string> commits;
            static_cast<void>(wire::read_runs(body, {}, commits));
        }
    }
    return 0;
}
