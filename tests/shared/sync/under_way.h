// under_way.h - an answer of the hub to a branch's PC, to be changed before it is taken: what a server that is not ours
// may say.
#pragma once

#include "tests/support/must.h"
#include "tests/support/world.h"
#include "wire/runs.h"

#include <catch2/catch.hpp>

#include <functional>
#include <memory>
#include <string>

namespace taizhang::support {

inline const StreamId kB01{"B01", Audience::ledger};

/// A branch's PC with two edits under way, and its hub's answer, which is changed before it is taken.
struct UnderWay : World {
    std::unique_ptr<Device> a;
    wire::SyncReply answer;
    UnderWay() {
        new_assignment("A1", "T1", "B01");
        a = device("B01");
        for (const char* t : {"一", "二"}) a->set("assignment", "A1", {{"remark", text(t)}});
        sync::Session s(**a);
        answer = read(must(hub->handle(must(s.request()))));
    }
    static wire::SyncReply read(const std::string& bytes) {
        wire::SyncReply m;
        must(wire::decode(bytes, m));
        must(wire::read_runs(m.runs, {}, m.commits));
        return m;
    }
    static std::string write(wire::SyncReply m) {
        m.runs = wire::write_runs(m.commits, {});
        m.commits.clear();
        return wire::encode(m);
    }
    wire::SyncReply changed(const std::function<void(wire::SyncReply&)>& how) const {
        auto m = answer;
        how(m);
        return m;
    }
    std::string refused(const std::function<void(wire::SyncReply&)>& how) {
        sync::Session s(**a);
        must(s.request());
        const auto digest = *(*a)->digest();
        const auto taken = s.reply(write(changed(how)));
        REQUIRE(taken.has_error());
        INFO(taken.error().detail);
        CHECK(taken.error().code == Errc::protocol);
        CHECK(taken.error().detail.find(" / ") != std::string::npos);
        CHECK(*(*a)->digest() == digest);
        CHECK(*sync::unsent_count(**a) == 2);
        return taken.error().detail;
    }
    wire::Ack ack_of(Seq seq, const Hash& hash) const { return {{kB01, (*a)->id(), seq, hash}, answer.level, {}, {}}; }
};

}  // namespace taizhang::support
