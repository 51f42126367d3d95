// Enrolment by files: what neither side takes of a file that whoever carried it has put together anew.
#include "sync/hub.h"
#include "tests/support/must.h"
#include "tests/support/ok.h"
#include "tests/support/world.h"

#include <catch2/catch.hpp>

#include <functional>

namespace taizhang::enrol_files_test {
using namespace taizhang::support;

namespace {

constexpr std::string_view kRequest = "TZQ\x01", kAnswer = "TZA\x01";

/// With a mark that fits, whatever is in it.
std::string file_of(std::string_view magic, std::string_view body, std::string_view behind = {}) {
    std::string out(magic);
    Writer w(out);
    w.str(body);
    w.raw(behind);
    const auto mark = hash_of(out);
    w.raw(view(mark.bytes));
    return out;
}

std::string body_of(std::string_view file) { return std::string(Reader(file.substr(kRequest.size())).str()); }

/// A PC that asks by a file, and the answer that its city gave.
struct Asked : World {
    Device d{7800};
    wire::EnrolRequest question;
    std::string letter;  ///< of the answer, opened
    Asked() {
        sync::Enrolment e(*d);
        const auto request = must(e.request_file("PC"));
        must(wire::decode(body_of(request), question));
        const auto answer = must(hub->answer(request, "B01"));
        letter = must(d.keys.device->open(kAnswer, body_of(answer.file)));
    }
    std::string sealed(std::string_view what) {
        const std::vector<trust::PublicKey> to{d.keys.device->public_key()};
        return must(trust::seal_to(to, kAnswer, what));
    }
    Errc asked(const std::function<void(wire::EnrolRequest&)>& change) {
        auto q = question;
        change(q);
        const auto answer = hub->answer(file_of(kRequest, wire::encode(q)), "B01");
        return answer ? Errc::usage : answer.error().code;  // usage is what nothing here gives
    }
    Errc answered(const std::string& file) {
        const auto taken = sync::Enrolment(*d).take_answer(file, {});
        CHECK(d->control().head().value == (taken ? city->control().head().value : 0));
        return taken ? Errc::usage : taken.error().code;
    }
};

}  // namespace

TEST_CASE("enrolment by files: a request that makes no sense is none", "[sync][enrol]") {
    Asked a;
    CHECK(a.asked([](auto&) {}) == Errc::usage);
    CHECK(a.asked([](auto& q) { q.replica = {}; }) == Errc::bad_input);
    CHECK(a.asked([](auto& q) { q.label = std::string(101, 'x'); }) == Errc::bad_input);
    CHECK(a.asked([](auto& q) { q.proof.back() = static_cast<char>(q.proof.back() ^ 1); }) == Errc::denied);
    for (const auto& file : {std::string(kRequest), file_of(kRequest, "no message"),
                             file_of(kRequest, wire::encode(a.question), "behind it")}) {
        const auto answer = a.hub->answer(file, "B01");
        REQUIRE(answer.has_error());
        CHECK(answer.error().code == Errc::bad_input);
    }
}

TEST_CASE("enrolment by files: an answer that was altered inside its seal, or is another kind of letter, is none",
          "[sync][enrol]") {
    Asked a;
    auto damaged = a.sealed(a.letter);
    damaged.back() = static_cast<char>(damaged.back() ^ 1);
    CHECK(a.answered(file_of(kAnswer, damaged)) == Errc::bad_input);
    CHECK(a.answered(file_of(kAnswer, a.sealed(a.letter.substr(0, a.letter.size() - 1)))) == Errc::bad_input);
    CHECK(a.answered(file_of(kAnswer, a.sealed(a.letter + 'x'))) == Errc::bad_input);
    // As many entries as nobody has, where the reader would have to believe it.
    Reader r(a.letter);
    std::string many;
    Writer w(many);
    w.str(r.str());
    w.varint((1u << 18) + 1);
    w.raw(std::string((1u << 18) + 1, '\0'));
    CHECK(a.answered(file_of(kAnswer, a.sealed(many))) == Errc::bad_input);
    // Only the fingerprint of the office is a person's to compare; whoever gives none takes what is signed.
    CHECK(a.answered(file_of(kAnswer, a.sealed(a.letter))) == Errc::usage);
}

TEST_CASE("enrolment by files: a PC without a key can open no answer", "[sync][enrol]") {
    Asked a;
    const auto file = file_of(kAnswer, a.sealed(a.letter));
    a.d.keys.device = nullptr;
    a.d.reopen();
    CHECK(a.answered(file) == Errc::not_allowed);
}

TEST_CASE("enrolment by files: a unit that the log along with the answer does not tell of is shown by its id",
          "[sync][enrol]") {
    Asked a;
    Reader r(a.letter);
    const auto message = r.str();
    const auto first = (r.varint(), r.str());
    const auto with_log = [&](const std::vector<std::string>& entries) {
        std::string letter;
        Writer w(letter);
        w.str(message);
        w.varint(entries.size());
        for (const auto& e : entries) w.str(e);
        return must(sync::Enrolment(*a.d).look_at_answer(file_of(kAnswer, a.sealed(letter)))).name;
    };
    CHECK(must(sync::Enrolment(*a.d).look_at_answer(file_of(kAnswer, a.sealed(a.letter)))).name == "Branch 1");
    CHECK(with_log({std::string(first)}) == "B01");
    CHECK(with_log({std::string(first), "no entry"}) == "B01");
    CHECK(with_log({std::string(first), std::string(first)}) == "B01");  // does not follow
}

}  // namespace taizhang::enrol_files_test
