// Enrolment by small files, from somebody who gets their marks right; and the word of a live connection.
#include "sync/hub.h"
#include "sync/news.h"
#include "tests/fuzz/fuzz.h"
#include "tests/support/world.h"

#include <span>

using namespace taizhang;

namespace {

std::string with_mark(std::string_view magic, std::string_view body) {
    std::string out(magic);
    Writer w(out);
    w.str(body);
    w.raw(view(hash_of(out).bytes));
    return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static support::World w;
    static support::Device fresh(56);
    const auto bytes = fuzz::view(data, size);
    if (bytes.empty()) return 0;
    const auto body = bytes.substr(1);
    sync::Enrolment enrolment(*fresh);
    switch (bytes.front() % 4) {
        case 0: static_cast<void>(w.hub->answer(with_mark("TZQ\x01", body), "B01")); break;
        case 1: {
            const auto to = fresh.keys.device->public_key();
            const auto sealed = trust::seal_to(std::span(&to, 1), "TZA\x01", body);
            if (!sealed) break;
            static_cast<void>(enrolment.look_at_answer(with_mark("TZA\x01", *sealed)));
            static_cast<void>(enrolment.take_answer(with_mark("TZA\x01", *sealed), {}));
            break;
        }
        case 2: static_cast<void>(enrolment.take_answer(body, {})); break;
        default: static_cast<void>(sync::is_news(*w.city, body));
    }
    return 0;
}
