// A download in many pages: it waits for the disk once, at its end; a power cut in between costs what was not on the
// disk and nothing else.
#include "tests/support/reference_fold.h"
#include "tests/support/sim_disk.h"
#include "tests/support/world.h"

#include <catch2/catch.hpp>

#include <optional>

namespace taizhang::pages_test {
namespace {

using support::Device;
using support::SimDisk;
using support::text;
using support::World;

/// A city with more than one answer holds, and a PC of the branch on a disk of its own, enrolled.
struct Download {
    Download() {
        std::uint64_t coin = 1;
        for (int i = 0; i < 200; ++i) {
            w.new_assignment("A" + std::to_string(i), "T1", "B01");
            std::string long_text;
            while (long_text.size() < 1500) long_text += std::to_string(coin = reference::mix(coin)) + " ";
            w.city.set("assignment", "A" + std::to_string(i), {{"remark", text(long_text)}});
        }
        open();
        w.enrol_at(*w.hub, *pc, "B01");
    }
    void open() {
        pc = std::make_unique<Device>(++incarnation, "pc.db", disk.vfs_name(), Knows{},
                                      Keys{support::make_key(500), nullptr});
    }
    /// One trip; how often it waited for the disk.
    std::uint64_t trip(sync::Session& s) {
        const auto before = disk.calls(SimDisk::Op::sync);
        const auto request = s.request();
        REQUIRE(request.has_value());
        const auto answer = w.hub->handle(*request);
        REQUIRE(answer.has_value());
        const auto done = s.reply(*answer);
        INFO((done ? "" : done.error().detail));
        REQUIRE(done.has_value());
        return disk.calls(SimDisk::Op::sync) - before;
    }
    void write(const std::string& id) {
        Edit e;
        e.entity = "evidence";
        e.row = id;
        e.create = true;
        e.stream = StreamId{"B01", Audience::ledger};
        e.fields = {{"record_id", text("A1")}, {"unit_id", text("B01")}, {"name", text("下载当中写的")}};
        pc->edit(std::move(e));
    }
    void check_whole() {
        CHECK(*(*pc)->digest() == *w.city->digest());
        CHECK((*pc)->verify().has_value());
    }

    World w;
    SimDisk disk{7};
    std::uint64_t incarnation = 900;
    std::unique_ptr<Device> pc;
};

TEST_CASE("the pages of a download do not wait for the disk, its end does", "[sync][pages]") {
    Download d;
    sync::Session s(**d.pc);
    std::vector<std::uint64_t> waits;
    while (s.wants_more()) waits.push_back(d.trip(s));
    REQUIRE(waits.size() > 4);
    // The first brings the city's log; the others may meet a checkpoint of the database, which waits for itself.
    CHECK(std::count(waits.begin() + 1, waits.end() - 1, 0) >= static_cast<std::int64_t>(waits.size()) - 3);
    CHECK(waits.back() > 0);
    d.disk.power_off();
    d.pc.reset();
    d.disk.restart(SimDisk::Keep::nothing);
    d.open();
    d.check_whole();
}

TEST_CASE("a power cut among the pages of a download costs only what comes again", "[sync][pages]") {
    for (const auto keep : {SimDisk::Keep::nothing, SimDisk::Keep::coin, SimDisk::Keep::everything})
        for (int pages = 1; pages <= 5; ++pages) {
            INFO("pages " << pages);
            Download d;
            {
                sync::Session s(**d.pc);
                d.trip(s);  // with the catalog: from here on one can write
                d.write("E1");
                for (int i = 0; i < pages && s.wants_more(); ++i) d.trip(s);
                // What a person writes in between waits for the disk, and with it all that is there already.
                if (pages % 2) d.write("E2");
            }
            d.disk.power_off();
            d.pc.reset();
            d.disk.restart(keep);
            d.open();
            CHECK((*d.pc)->find("E1")->size() == 1);
            CHECK((*d.pc)->find("E2")->size() == static_cast<std::size_t>(pages % 2));
            d.w.sync(*d.pc);
            d.check_whole();
        }
}

TEST_CASE("a node that serves others waits for the disk with every page", "[sync][pages]") {
    Download d;
    {
        auto hub = sync::Hub::open(**d.pc);
        REQUIRE(hub.has_value());
    }
    REQUIRE((*d.pc)->set_fact("upstream/passes_on", "1").has_value());
    sync::Session s(**d.pc);
    while (s.wants_more()) CHECK(d.trip(s) > 0);
    d.check_whole();
}

/// A city without keys, with more rows of the township than one answer holds.
struct Keyless {
    Keyless() : city(1) {
        REQUIRE(city->append_control("city", R"({"title":"keyless"})").has_value());
        REQUIRE(city->append_control("catalog", support::ledger_catalog()).has_value());
        for (const char* unit : {R"({"id":"C","parent_id":"","level":"city","name":"C"})",
                                 R"({"id":"T","parent_id":"C","level":"township","name":"T"})"})
            REQUIRE(city->append_control("unit", unit).has_value());
        Certificate c;
        c.replica = city->id();
        c.unit = "C";
        c.level = Level::city;
        c.control = city->control().head();
        c.issuer = "C";
        REQUIRE(city->add_certificate(c).has_value());
        std::uint64_t coin = 1;
        for (int i = 0; i < 200; ++i) {
            Edit e;
            e.entity = "evidence";
            e.row = "E" + std::to_string(i);
            e.create = true;
            e.stream = StreamId{"T", Audience::ledger};
            std::string name;
            while (name.size() < 380) name += std::to_string(coin = reference::mix(coin));
            e.fields = {{"record_id", text("A1")}, {"unit_id", text("T")}, {"name", text(name)}};
            city.edit(std::move(e));
        }
        hub.emplace(*sync::Hub::open(*city));
    }
    Device city;
    std::optional<sync::Hub> hub;
};

TEST_CASE("in a city without keys too a node that serves others waits for the disk with every page", "[sync][pages]") {
    for (const bool serves : {false, true}) {
        Keyless k;
        SimDisk disk(8);
        Device relay(9, "relay.db", disk.vfs_name());
        sync::Enrolment e(*relay);
        const auto code = k.hub->new_code("T");
        const auto asked = e.request(code->code, "relay");
        REQUIRE(e.reply(*k.hub->handle(*asked)).has_value());
        if (serves) REQUIRE(relay->set_fact("upstream/passes_on", "1").has_value());
        sync::Session s(*relay);
        int pages = 0, waited = 0;
        for (; s.wants_more(); ++pages) {
            const auto before = disk.calls(SimDisk::Op::sync);
            const auto request = s.request();
            REQUIRE(request.has_value());
            REQUIRE(s.reply(*k.hub->handle(*request)).has_value());
            waited += disk.calls(SimDisk::Op::sync) > before;
        }
        INFO("serves " << serves << ", pages " << pages);
        REQUIRE(pages > 2);
        CHECK((waited == pages) == serves);
    }
}

}  // namespace
}  // namespace taizhang::pages_test
