// What a hub is asked, and what a device is answered, by somebody who has a genuine place in the city.
#include "tests/fuzz/fuzz.h"
#include "tests/support/world.h"
#include "wire/envelope.h"
#include "wire/messages.h"

using namespace taizhang;

namespace {

/// A city with a branch that has something to say. What the inputs do to it stays: a year in some seconds.
struct City : support::World {
    std::unique_ptr<support::Device> a = device("B01");
    std::string token;
    City() {
        new_assignment("A1", "T1", "B01");
        sync(*a);
        sync::Session s(**a);
        const auto asked = s.request();
        wire::SyncRequest q;
        if (wire::decode(*asked, q)) token = q.token;
    }
};

City& city() {
    static City c;
    return c;
}

std::string message(char kind, std::string_view body) {
    std::string out(1, kind);
    Writer(out).varint(wire::kVersion);
    wire::put_in_envelope(body, out);
    return out;
}

void ask_hub(std::string_view body) {
    auto& c = city();
    wire::SyncRequest q;
    if (!wire::decode(message('q', body), q)) return;
    q.token = c.token;
    q.replica = (*c.a)->id();
    q.city = (*c.a)->control().city_mark();
    static_cast<void>(c.hub->handle(wire::encode(q)));
}

void answer_device(std::string_view body) {
    auto& c = city();
    sync::Session s(**c.a);
    if (!s.request()) return;
    const auto answer = message('r', body);
    static_cast<void>(s.ahead(answer));
    static_cast<void>(s.reply(answer));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto bytes = fuzz::view(data, size);
    if (bytes.empty()) return 0;
    const auto body = bytes.substr(1);
    const auto before = (*city().a)->log_head();
    switch (bytes.front() % 3) {
        case 0: static_cast<void>(city().hub->handle(body)); break;
        case 1: ask_hub(body); break;
        default: answer_device(body);
    }
    fuzz::require((*city().a)->log_head() >= before);
    return 0;
}
