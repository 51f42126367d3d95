// A hub that cannot tell who asks, or is told by the one who asks that he is to be heard no more.
#include "sync/acks.h"
#include "sync/restored.h"
#include "sync/token.h"
#include "tests/shared/sync/asked.h"
#include "tests/support/must.h"
#include "tests/support/ok.h"
#include "tests/support/scratch.h"
#include "tests/support/world.h"
#include "wire/runs.h"

#include <catch2/catch.hpp>

#include <cstring>
#include <filesystem>
#include <functional>

namespace taizhang::hub_doubts_test {
using namespace taizhang::support;

namespace {

const StreamId kB01{"B01", Audience::ledger};

std::string denied(const Result<std::string>& answer, Errc code = Errc::denied) {
    REQUIRE(answer.has_error());
    CHECK(answer.error().code == code);
    return answer.error().detail;
}

bool says(const std::string& line, const char* what) { return line.find(what) != std::string::npos; }

/// What a device could write: a row's field in a stream, signed by its key.
struct Signed {
    std::string packed, signature;
};
Signed commit_by(Device& d, Seq seq, const Hash& prev, const std::function<void(std::string&)>& change = {},
                 const StreamId& stream = kB01) {
    CommitHeader h;
    h.replica = d->id();
    h.stream = stream;
    h.seq = seq;
    h.prev = prev;
    h.control = d->control().head();
    h.catalog = d->control().newest_catalog()->version();
    h.time = static_cast<std::uint64_t>(d.clock.wall_ms) << 16;
    CommitWriter writer;
    writer.row("assignment", "A1");
    writer.part(fold::Op::put, "remark", {});
    writer.field("remark", text("写的"));
    auto bytes = writer.finish(h);
    if (change) change(bytes);
    Signed out;
    Packer().pack(bytes, out.packed);
    out.signature = d.keys.device->sign(kForHead, view(hash_of(bytes).bytes));
    return out;
}

}  // namespace

TEST_CASE("hub: a PC for which a higher office vouched as another unit's does not read by its old token",
          "[sync][hub]") {
    World w;
    w.new_assignment("A1", "T1", "B01");
    auto town = w.device("K1-01");
    auto town_hub = must(sync::Hub::open(**town));
    auto a = w.device_at(town_hub, "B01");
    CHECK(ok(ask(town_hub, *a, [](auto&) {})));
    auto second = *(*town)->control().cert((*a)->id());
    second.unit = "B02";
    second.issuer = "C";
    second.issuer_replica = w.city->id();
    second.signature = w.city.keys.device->sign(kForCertificate, second.signed_part());
    REQUIRE(ok((*town)->add_certificate(second)));
    REQUIRE((*town)->control().cert((*a)->id())->unit == "B02");
    CHECK(says(denied(ask(town_hub, *a, [](auto&) {})), "belongs to another unit"));
}

TEST_CASE("hub: a PC that brings the city's word that it is revoked is refused with it", "[sync][hub][revoke]") {
    World w;
    w.new_assignment("A1", "T1", "B01");
    auto town = w.device("K1-01");
    auto town_hub = must(sync::Hub::open(**town));
    auto a = w.device_at(town_hub, "B01");
    const auto before = (*town)->control().head();
    must(w.city->append_control("revoke", R"({"replica":")" + (*a)->id().hex() + R"(","streams":{}})"));
    const auto news = must(w.city->control_after(before, 1u << 20));
    CHECK(says(denied(ask(town_hub, *a, [&](auto& q) { q.control_entries = news; })), "revoked"));
    CHECK((*town)->control().head() == before);  // refused whole
    REQUIRE(ok((*town)->receive_control(news)));
    CHECK(says(denied(ask(town_hub, *a, [](auto&) {})), "revoked"));
}

TEST_CASE("hub: whose certificate it lacks is asked for it, and refused with one that nobody signed", "[sync][hub]") {
    World w;
    w.new_assignment("A1", "T1", "B01");
    auto a = w.device("B01");
    auto stranger = *w.city->control().cert((*a)->id());
    stranger.nonce = std::string(trust::kNonceBytes, 'x');
    stranger.replica = trust::replica_id(a->keys.device->public_key(), stranger.nonce);
    wire::SyncReply reply;
    must(wire::decode(must(ask(*w.hub, *a, [&](auto& q) { q.replica = stranger.replica; })), reply));
    CHECK(reply.wants_certificates == std::vector<ReplicaId>{stranger.replica});
    CHECK(reply.more);
    CHECK(reply.commits.empty());
    CHECK(says(denied(ask(*w.hub, *a,
                          [&](auto& q) {
                              q.replica = stranger.replica;
                              q.certificates = {stranger.encode()};  // the old signature is of the old name
                          })),
               "not enrolled"));
}

TEST_CASE("hub: a signed commit that makes no sense behind its head is refused, and nothing beside it is taken",
          "[sync][hub]") {
    World w;
    w.new_assignment("A1", "T1", "B01");
    auto a = w.device("B01");
    const auto good = commit_by(*a, Seq{1}, {});
    const auto bad = commit_by(*a, Seq{1}, {}, [](auto& bytes) { bytes.pop_back(); });
    const auto head = w.city->log_head();
    denied(ask(*w.hub, *a,
               [&](auto& q) {
                   q.commits = {bad.packed};
                   q.signatures = {{0, bad.signature}};
               }),
           Errc::protocol);
    CHECK(w.city->log_head() == head);
    CHECK(ok(ask(*w.hub, *a, [&](auto& q) {
        q.commits = {good.packed};
        q.signatures = {{0, good.signature}};
    })));
    CHECK(w.city.field("A1", "remark") == "写的");
}

TEST_CASE("hub: what comes behind a commit that does not follow is not looked at, and it is told which it was",
          "[sync][hub]") {
    World w;
    w.new_assignment("A1", "T1", "B01");
    auto a = w.device("B01");
    const auto first = commit_by(*a, Seq{1}, {});
    const auto broken = commit_by(*a, Seq{2}, hash_of("another first"));
    const auto outside = commit_by(*a, Seq{1}, {}, {}, {"B02", Audience::ledger});
    wire::SyncReply reply;
    must(wire::decode(must(ask(*w.hub, *a,
                               [&](auto& q) {
                                   q.commits = {first.packed, broken.packed, outside.packed};
                                   q.signatures = {{0, first.signature}, {1, broken.signature}, {2, outside.signature}};
                               })),
                      reply));
    REQUIRE(reply.verdicts.size() == 1);
    CHECK(reply.verdicts.front().seq == Seq{2});
    REQUIRE(reply.acks.size() == 1);
    CHECK(reply.acks.front().at.seq == Seq{1});
    CHECK(reply.took == 0);
}

TEST_CASE("hub: a server that lost its key acknowledges nothing, vouches for nobody and shows no fingerprint",
          "[sync][hub]") {
    World w;
    w.new_assignment("A1", "T1", "B01");
    const std::string path = support::scratch("tz-hub-doubts-test.db");
    for (const char* s : {"", "-wal", "-shm"}) std::remove((path + s).c_str());
    {
        Device town(8800, path);
        w.enrol_at(*w.hub, town, "K1-01");
        w.sync(town);
        town.keys.device = make_key(4711);
        town.reopen();
        auto town_hub = must(sync::Hub::open(*town));
        const auto code = town_hub.new_code("B01");
        REQUIRE(code.has_error());
        CHECK(code.error().code == Errc::not_allowed);
        // Its own token does not open any more: nobody's is taken for it.
        CHECK(says(denied(town_hub.handle(wire::encode(wire::SyncRequest{}))), "not enrolled here"));
        wire::Ack ack{{kB01, w.city->id(), Seq{1}, {}}, Level::township, {}, {}};
        const auto signed_ack = sync::sign_ack(*town, ack);
        REQUIRE(signed_ack.has_error());
        CHECK(signed_ack.error().code == Errc::not_allowed);
        CHECK(ack.signature.empty());
        town.keys.device = nullptr;
        town.reopen();
        CHECK(must(sync::Hub::open(*town)).fingerprint().empty());
    }
    for (const char* s : {"", "-wal", "-shm"}) std::remove((path + s).c_str());
}

TEST_CASE("hub: a code holds for three days", "[sync][hub][enrol]") {
    World w;
    const auto code = must(w.hub->new_code("B01")).code;
    Device late(8801), early(8802);
    const auto in_time = must(w.hub->new_code("B01")).code;
    w.city.clock.wall_ms += 72 * std::int64_t{3'600'000};
    CHECK(ok(w.hub->handle(must(sync::Enrolment(*early).request(in_time, "PC")))));
    w.city.clock.wall_ms += 1;
    CHECK(says(denied(w.hub->handle(must(sync::Enrolment(*late).request(code, "PC")))), "expired"));
    // An answer that was lost is given again, whenever it is asked for.
    CHECK(ok(w.hub->handle(must(sync::Enrolment(*early).request(in_time, "PC")))));
}

TEST_CASE("hub: commits of somebody whose certificate it lacks are not taken, and it asks whose they are",
          "[sync][hub]") {
    World w;
    w.new_assignment("A1", "T1", "B01");
    auto a = w.device("B01");
    Device stranger(8803);
    must(stranger->receive_control(must(w.city->control_after(ControlPos{0}, 1u << 20))));
    const auto theirs = commit_by(stranger, Seq{1}, {});
    const auto head = w.city->log_head();
    wire::SyncReply reply;
    must(wire::decode(must(ask(*w.hub, *a,
                               [&](auto& q) {
                                   q.commits = {theirs.packed};
                                   q.signatures = {{0, theirs.signature}};
                               })),
                      reply));
    CHECK(w.city->log_head() == head);
    REQUIRE(reply.verdicts.size() == 1);
    CHECK(reply.verdicts.front().kind == wire::Verdict::Kind::unproved);
    CHECK(reply.wants_certificates == std::vector<ReplicaId>{stranger->id()});
    CHECK(reply.acks.empty());
}

TEST_CASE("hub: a stranger's commits are asked about once, in whatever streams they lie", "[sync][hub]") {
    World w;
    w.new_assignment("A1", "T1", "B01");
    auto a = w.device("B01");
    Device stranger(8804);
    must(stranger->receive_control(must(w.city->control_after(ControlPos{0}, 1u << 20))));
    const auto one = commit_by(stranger, Seq{1}, {}, {}, {"B02", Audience::ledger});
    const auto two = commit_by(stranger, Seq{1}, {}, {}, {"B02", Audience::notice});
    wire::SyncReply reply;
    must(wire::decode(must(ask(*w.hub, *a,
                               [&](auto& q) {
                                   q.commits = {one.packed, two.packed};
                                   q.signatures = {{0, one.signature}, {1, two.signature}};
                               })),
                      reply));
    REQUIRE(reply.verdicts.size() == 2);
    for (const auto& v : reply.verdicts) CHECK(v.kind == wire::Verdict::Kind::unproved);
    CHECK(reply.wants_certificates == std::vector<ReplicaId>{stranger->id()});
}

TEST_CASE("hub: a relay takes no control entries behind a gap", "[sync][hub]") {
    World w;
    auto town = w.device("K1-01");
    auto town_hub = must(sync::Hub::open(**town));
    auto a = w.device_at(town_hub, "B01");
    const auto before = (*town)->control().head();
    for (const char* id : {"B08", "B09"})
        must(w.city->append_control(
            "unit", R"({"id":")" + std::string(id) + R"(","parent_id":"K1-01","level":"branch","name":"B"})"));
    const auto news = must(w.city->control_after(before, 1u << 20));
    REQUIRE(news.size() == 2);
    CHECK(ok(ask(town_hub, *a, [&](auto& q) { q.control_entries = {news.back()}; })));
    CHECK((*town)->control().head() == before);
    CHECK(ok(ask(town_hub, *a, [&](auto& q) { q.control_entries = news; })));
    CHECK((*town)->control().unit("B09"));
}

TEST_CASE("hub: what is offered is answered with what stands there, and with so many acks at most", "[sync][hub]") {
    World w;
    w.new_assignment("A1", "T1", "B01");
    auto a = w.device("B01");
    const auto here = must(w.city->chain_heads(std::span(&kB01, 1))).front();
    const auto acks = [&](std::vector<wire::ChainPos> offers) {
        wire::SyncReply reply;
        must(wire::decode(must(ask(*w.hub, *a,
                                   [&](auto& q) {
                                       q.offers = std::move(offers);
                                       q.control_mark = 7;  // of no entry
                                       q.control = ControlPos{0};
                                       q.reply_bytes = 1u << 20;
                                   })),
                          reply));
        return reply.acks;
    };
    CHECK(acks({{kB01, here.replica, here.seq, here.hash}}).size() == 1);
    CHECK(acks({{kB01, here.replica, here.seq, hash_of("another branch")}}).empty());
    CHECK(acks(std::vector<wire::ChainPos>(sync::kAcksMax + 9, {kB01, here.replica, here.seq, here.hash})).size() ==
          sync::kAcksMax);
}

TEST_CASE("hub: the word of the levels above is passed on in pages", "[sync][hub][acks]") {
    World w;
    w.new_assignment("A1", "T1", "B01");
    auto a = w.device("B01");
    must(w.city->batch([&]() -> Result<> {
        for (std::size_t n = 0; n < sync::kAcksMax + 9; ++n) {
            wire::Ack ack{{kB01, {}, Seq{1}, {}}, Level::county, w.city->id(), "signed"};
            std::memcpy(ack.at.replica.bytes.data(), &n, sizeof n);
            TRY_VOID(sync::learn_ack(*w.city, ack));
        }
        return {};
    }));
    const auto page = [&](const wire::Cursor& cursor) {
        wire::SyncReply reply;
        must(wire::decode(must(ask(*w.hub, *a, [&](auto& q) { q.cursor = cursor; })), reply));
        return reply;
    };
    const auto first = page({});
    CHECK(first.acks.size() == sync::kAcksMax);
    CHECK(first.more);
    const auto second = page(first.cursor);
    CHECK(second.acks.size() == 9);
    CHECK_FALSE(second.more);
}

TEST_CASE("hub: of a forked chain that a device just brought it looks through a megabyte for one answer",
          "[sync][hub]") {
    World w;
    w.new_assignment("A1", "T1", "B01");
    auto a = w.device("B01");
    // A copy of the PC has written beside it. What continues a chain without a fork is not looked at at all.
    const bool is_forked = GENERATE(false, true);
    const auto path = scratch("tz-hub-doubts-test-copy.db");
    if (is_forked) {
        std::filesystem::remove(path);
        REQUIRE(ok((*a)->database().backup_to(path)));
        Device copy(77, path, {}, {}, a->keys);
        copy.set("assignment", "A1", {{"result_text", text("副本写的")}});
        World::sync(copy, *w.hub);
    }
    std::uint32_t state = 1;
    constexpr int kEdits = 1100;
    const auto write = [&]() -> Result<> {
        for (int n = 0; n < kEdits; ++n) {
            std::string words;  // that no packer makes small
            while (words.size() < 1450)
                words += static_cast<char>('!' + ((state = state * 1'664'525 + 1'013'904'223) >> 16) % 90);
            a->set("assignment", "A1", {{"remark", text(words)}});
        }
        return {};
    };
    // In one transaction the author signs every 4 KiB, and where the megabyte ends there is no signature.
    const bool is_open = GENERATE(false, true);
    must(is_open ? (*a)->batch(write) : write());
    const auto chain = must((*a)->chain_after(kB01, (*a)->id(), Seq{0}, 8u << 20));
    REQUIRE(chain.size() == kEdits);
    wire::SyncReply reply;
    must(wire::decode(must(ask(*w.hub, *a,
                               [&](auto& q) {
                                   for (const auto& e : chain) {
                                       if (!e.signature.empty())
                                           q.signatures.push_back({q.commits.size(), e.signature});
                                       q.commits.push_back(e.packed);
                                   }
                               })),
                      reply));
    CHECK(reply.took != 0);
    CHECK(reply.more == is_forked);
    CHECK((reply.cursor.log < w.city->log_head()) == is_forked);
    w.sync(*a);
    CHECK(*sync::unsent_count(**a) == 0);
}

TEST_CASE("hub: a new PC of a unit that moved hears who vouched for its colleagues", "[sync][hub][moves]") {
    World w;
    must(w.city->append_control("unit", R"({"id":"K1-02","parent_id":"K1","level":"township","name":"K1-02"})"));
    w.new_assignment("A1", "T1", "B01");
    auto town = w.device("K1-01");
    auto town_hub = must(sync::Hub::open(**town));
    auto a = w.device_at(town_hub, "B01"), b = w.device_at(town_hub, "B01");
    a->set("assignment", "A1", {{"remark", text("甲")}});
    b->set("assignment", "A1", {{"next_steps", text("乙")}});
    for (auto* d : {&a, &b}) World::sync(**d, town_hub);
    w.sync(*town);
    must(w.city->append_control("unit", R"({"id":"B01","parent_id":"K1-02","level":"branch","name":"Branch 1"})"));
    auto fresh = w.device("B01");
    CHECK(fresh->field("A1", "remark") == "甲");
    CHECK(fresh->field("A1", "next_steps") == "乙");
}

TEST_CASE("hub: a PC that was never enrolled vouches for nobody and is nobody's server", "[sync][hub]") {
    Device d(8805);
    auto hub = must(sync::Hub::open(*d));
    CHECK(hub.new_code("B01").error().code == Errc::not_found);
    CHECK(hub.level() == Level::none);
    CHECK(ok(sync::Hub::restored(*d)));
    CHECK_FALSE(must(sync::restored_progress(*d)).has_value());
}

}  // namespace taizhang::hub_doubts_test
