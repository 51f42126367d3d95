// What the city's log is made of, certificates, keys.
#include "replica/control.h"
#include "tests/fuzz/fuzz.h"

using namespace taizhang;

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
            }
            break;
        case 2: static_cast<void>(trust::PublicKey::decode(body)); break;
        default: static_cast<void>(trust::Key::from_file(body));
    }
    return 0;
}
