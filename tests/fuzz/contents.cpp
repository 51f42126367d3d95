// Messages about photos and documents: read and written again, and asked of a hub by somebody who has a place there.
#include "sync/token.h"
#include "tests/fuzz/fuzz.h"
#include "tests/shared/files/nodes.h"
#include "wire/file_messages.h"

using namespace taizhang;

namespace {

/// A branch that has named a photo which the hub does not have yet.
struct City : support::World {
    std::unique_ptr<support::Device> a = device("B01");
    support::FileNode hub_files{city}, below{*a};
    std::string token;
    City() {
        new_assignment("A1", "T1", "B01");
        sync(*a);
        below.attach("A1", "B01", support::noise(9000, 1), "E1");
        sync(*a);
        token = *sync::upstream_token(**a);
    }
};

City& city() {
    static City c;
    return c;
}

template <class M>
bool one(char kind, std::string_view body, M& m) {
    if (!wire::decode(kind + std::string(body), m)) return false;
    const auto again = wire::encode(m);
    M same;
    fuzz::require(wire::decode(again, same).has_value());
    fuzz::require(wire::encode(same) == again);
    return true;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto bytes = fuzz::view(data, size);
    if (bytes.empty()) return 0;
    const auto body = bytes.substr(1);
    auto& c = city();
    wire::FileRequest q;
    wire::FileReply r;
    switch (bytes.front() % 3) {
        case 0: static_cast<void>(one('d', body, r)); break;
        case 1: static_cast<void>(files::FileHub(*c.hub, *c.hub_files.contents).handle(body)); break;
        default:
            if (!one('c', body, q)) break;
            q.token = c.token;
            q.city = c.city->control().city_mark();
            static_cast<void>(files::FileHub(*c.hub, *c.hub_files.contents).handle(wire::encode(q)));
    }
    return 0;
}
