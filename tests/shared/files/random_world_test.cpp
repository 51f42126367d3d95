// Contents in random worlds: what was said to be saved arrives whole at the city once faults stop.
//
// A city, a township's relay and a few PCs; people attach, links cut at any message, messages are damaged, disks crash
// between two writes, a hub comes back without its contents, sticks are carried, policies change.
#include "files/bundle_contents.h"
#include "tests/shared/files/nodes.h"

#include <catch2/catch.hpp>

#include <random>

namespace taizhang::random_world_test {
namespace {

using support::Device;
using support::Fate;
using support::FileNode;
using support::noise;
using support::World;

class RandomWorld {
public:
    explicit RandomWorld(std::uint64_t seed) : random_(seed), seed_(seed) {
        world_.new_assignment("A1", "T1", "B01");
        world_.new_assignment("A2", "T1", "B02");
        city_ = std::make_unique<FileNode>(world_.city);
        town_device_ = world_.device("K1-01");
        town_hub_ = std::make_unique<sync::Hub>(*sync::Hub::open(**town_device_));
        town_ = std::make_unique<FileNode>(*town_device_);
        add_pc("B01", true);
        add_pc("B01", true);
        add_pc("B02", true);
        add_pc("B02", false);
    }

    void run(int steps) {
        for (int i = 0; i < steps; ++i) step();
        rest();
        check();
    }

private:
    struct Pc {
        std::unique_ptr<Device> device;
        std::unique_ptr<FileNode> node;
        std::string unit;
        bool below_town = true;
    };

    bool one_in(unsigned n) { return random_() % n == 0; }
    Pc& some_pc() { return pcs_[random_() % pcs_.size()]; }

    void add_pc(const std::string& unit, bool below_town) {
        Pc pc;
        pc.device = below_town ? world_.device_at(*town_hub_, unit) : world_.device(unit);
        pc.node = std::make_unique<FileNode>(*pc.device);
        pc.unit = unit;
        pc.below_town = below_town;
        pcs_.push_back(std::move(pc));
    }

    void attach() {
        auto& pc = some_pc();
        // A few photos are taken again and again: the same content from several PCs.
        const auto bytes = one_in(3) ? noise(5000, random_() % 4) : noise(1 + random_() % 20'000, random_());
        const auto record = pc.unit == "B01" ? "A1" : "A2";
        const auto hash = pc.node->attach(record, pc.unit, bytes, "E-" + std::to_string(++serial_));
        saved_[hash] = bytes;
    }

    /// Flips a bit in a stretch: the frame around it is the connection's to protect.
    template <class M>
    void damage(std::string& bytes) {
        M m;
        if (!wire::decode(bytes, m) || m.ranges.empty()) return;
        auto& stretch = m.ranges.front().bytes;
        stretch[random_() % stretch.size()] ^= 1;
        bytes = wire::encode(m);
    }
    support::Link bad_link() {
        return [this](std::string& request, std::string& reply) {
            if (request.empty()) {
                if (one_in(12)) damage<wire::FileReply>(reply);
                return Fate::arrives;
            }
            if (one_in(12)) damage<wire::FileRequest>(request);
            return one_in(8) ? Fate::request_lost : one_in(8) ? Fate::reply_lost : Fate::arrives;
        };
    }

    void sync_files(Pc& pc, const support::Link& link) {
        const std::size_t chunk = 1024u << random_() % 4;
        if (pc.below_town)
            exchange(*pc.node, *town_hub_, *town_, chunk, link);
        else
            exchange(*pc.node, *world_.hub, *city_, chunk, link);
    }
    void sync_rows(Pc& pc) {
        if (pc.below_town)
            World::sync(*pc.device, *town_hub_);
        else
            world_.sync(*pc.device);
    }

    void carry(FileNode& from, const std::string& to, FileNode& receiver) {
        sync::BundleOptions o;
        o.to = to;
        o.part_bytes = 4096 + random_() % 20'000;
        files::BundleContents contents(*from.contents, 50'000);
        REQUIRE(contents.prepare(o).has_value());
        auto made = sync::make_bundle(*from.device, o);
        if (!made && made.error().code == Errc::not_allowed) return;  // nobody's key is known there yet
        REQUIRE(made.has_value());
        for (auto& part : made->parts) pocket_.emplace_back(&receiver, std::move(part));
    }
    void import_some() {
        if (pocket_.empty()) return;
        const auto at = random_() % pocket_.size();
        auto& [node, part] = pocket_[at];
        files::BundleContentsTaker taker(*node->contents);
        const auto taken = sync::take_bundle(
            *node->device, part, [&](const wire::Bundle& b) { return taker.stage(b); },
            [&](const wire::Bundle& b) { return taker.take(b); });
        INFO((taken ? std::string() : taken.error().detail));
        // Sealed before its sender knew this device.
        const bool is_sealed = !taken && taken.error().code == Errc::not_allowed;
        REQUIRE((taken.has_value() || is_sealed));
        if (one_in(2)) pocket_.erase(pocket_.begin() + static_cast<std::ptrdiff_t>(at));
    }

    void want(FileNode& node) {
        if (saved_.empty()) return;
        auto it = saved_.begin();
        std::advance(it, static_cast<std::ptrdiff_t>(random_() % saved_.size()));
        if (!node.contents->expect(it->first)) return;  // its record is not here (yet), or never will be
        const auto known = *node.index().find(it->first);
        if (!known->whole) REQUIRE(node.index().set_wanted(it->first, files::kWantedHere).has_value());
    }

    void city_loses_its_contents() {
        city_->blobs.lose_everything();
        REQUIRE(sync::Hub::restored(*world_.city).has_value());
        world_.hub = std::make_unique<sync::Hub>(*sync::Hub::open(*world_.city));
    }

    void step() {
        auto& pc = some_pc();
        switch (random_() % 20) {
            case 0:
            case 1:
            case 2: return attach();
            case 3:
            case 4:
            case 5: return sync_rows(pc);
            case 6:
            case 7:
            case 8:
            case 9: return sync_files(pc, bad_link());
            case 10:
            case 11: world_.sync(*town_device_); return;
            case 12:
            case 13: exchange(*town_, *world_.hub, *city_, 2048, bad_link()); return;
            case 14: return (one_in(2) ? *town_ : *pc.node).restart();
            case 15: return city_->restart();
            case 16: return want(one_in(3) ? *city_ : one_in(2) ? *town_ : *pc.node);
            case 17: return carry(*pc.node, {}, one_in(2) ? *town_ : *city_);
            case 18: return import_some();
            default:
                if (one_in(4)) return carry(*city_, pc.unit, *pc.node);
                if (one_in(6)) return city_loses_its_contents();
                REQUIRE((one_in(2) ? *city_ : *town_).index().set_on_demand(one_in(2)).has_value());
        }
    }

    /// The faults stop: everybody syncs until nothing moves.
    void rest() {
        for (auto* node : {city_.get(), town_.get()}) REQUIRE(node->index().set_on_demand(false).has_value());
        for (int round = 0;; ++round) {
            REQUIRE(round < 12);
            std::uint64_t moved = 0;
            for (auto& pc : pcs_) {
                sync_rows(pc);
                moved += count(exchange_quietly(pc));
            }
            world_.sync(*town_device_);
            moved += count(exchange(*town_, *world_.hub, *city_));
            if (moved == 0 && round > 1) return;
        }
    }
    support::Traffic exchange_quietly(Pc& pc) {
        return pc.below_town ? exchange(*pc.node, *town_hub_, *town_) : exchange(*pc.node, *world_.hub, *city_);
    }
    static std::uint64_t count(const support::Traffic& t) { return t.stats.sent + t.stats.received + t.stats.known; }

    void check() {
        for (const auto& [hash, bytes] : saved_) {
            INFO("seed " << seed_ << " content " << hash.hex());
            REQUIRE(city_->blobs.has(hash));
            CHECK(city_->blobs.bytes(hash) == bytes);
        }
        std::vector<FileNode*> all{city_.get(), town_.get()};
        for (auto& pc : pcs_) all.push_back(pc.node.get());
        for (auto* node : all) {
            // What was asked for is here, and nothing is here that is not what its hash says.
            INFO("seed " << seed_);
            CHECK(node->index().wanted(files::kWantedHere, 100)->empty());
            for (const auto& c : *node->index().newest(1000))
                if (c.whole) CHECK(hash_of(node->blobs.bytes(c.hash)) == c.hash);
        }
        for (auto& pc : pcs_) CHECK(*pc.node->index().count_sent(files::Sent::not_yet) == 0);
    }

    std::mt19937_64 random_;
    std::uint64_t seed_;
    World world_;
    std::unique_ptr<FileNode> city_, town_;
    std::unique_ptr<Device> town_device_;
    std::unique_ptr<sync::Hub> town_hub_;
    std::vector<Pc> pcs_;
    std::vector<std::pair<FileNode*, std::string>> pocket_;
    std::map<Hash, std::string> saved_;
    int serial_ = 0;
};

TEST_CASE("files: in random worlds what was saved arrives whole at the city once faults stop", "[files][random]") {
    for (std::uint64_t seed = 1; seed <= 40; ++seed) {
        CAPTURE(seed);
        RandomWorld(seed).run(120);
    }
}

}  // namespace
}  // namespace taizhang::random_world_test
