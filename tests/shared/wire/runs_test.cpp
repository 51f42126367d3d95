#include "wire/runs.h"

#include "log/commit.h"
#include "tests/support/reference_fold.h"

#include <catch2/catch.hpp>

#include <algorithm>
#include <map>

namespace taizhang::runs_test {
namespace {

using reference::Random;
using reference::version;

constexpr std::array<const char*, 6> kNames{"assignment", "remark", "result_text", "deadline", "forward", "task"};

/// Random commits of a few chains: forks, gaps and strangers' bases among them.
class Author {
public:
    explicit Author(int seed) : random_(static_cast<std::uint64_t>(seed)) {}

    std::string next() {
        CommitHeader h;
        auto& chain = chains_[static_cast<std::size_t>(random_.pick(3))];
        h.replica.bytes.fill(static_cast<std::uint8_t>(1 + random_.pick(2)));
        h.stream = {random_.pick(2) ? "B01" : "B02", random_.pick(5) ? Audience::ledger : Audience::notice};
        const auto kind = random_.pick(10);
        if (kind < 7 && chain.seq.value > 0) {
            h.replica = chain.replica;
            h.stream = chain.stream;
            h.seq = Seq{chain.seq.value + 1};
            h.prev = chain.hash;
        } else if (kind == 7 && chain.seq.value > 1) {  // a fork: the same place again
            h = chain.before;
        } else {
            h.seq = Seq{static_cast<std::uint64_t>(1 + random_.pick(3))};
            if (h.seq.value > 1) h.prev = hash_of(std::to_string(random_.pick(1000)));
        }
        h.control = ControlPos{static_cast<std::uint64_t>(40 + random_.pick(2))};
        h.catalog = 1 + static_cast<std::uint32_t>(random_.pick(8) == 0);
        h.time = static_cast<std::uint64_t>(1'700'000'000'000 + random_.pick(1000) * 977) << 16 |
                 (random_.pick(4) == 0 ? static_cast<std::uint64_t>(random_.pick(9)) : 0);
        h.time_unverified = random_.pick(9) == 0;
        h.person = random_.pick(3) ? "甲" : "";
        const auto bytes = body(h);
        chain.replica = h.replica;
        chain.stream = h.stream;
        chain.seq = h.seq;
        chain.hash = hash_of(bytes);
        chain.before = h;
        versions_.push_back(version_of(chain.hash));
        return bytes;
    }

private:
    struct Chain {
        ReplicaId replica;
        StreamId stream;
        Seq seq;
        Hash hash;
        CommitHeader before;
    };

    std::vector<VersionId> base() {
        std::vector<VersionId> out;
        for (int n = random_.pick(4); n > 0; --n)
            out.push_back(versions_.empty() || random_.pick(2)
                              ? version(random_.pick(20))
                              : versions_[static_cast<std::size_t>(random_.pick(static_cast<int>(versions_.size())))]);
        std::sort(out.begin(), out.end());
        out.erase(std::unique(out.begin(), out.end()), out.end());
        return out;
    }

    Value value() {
        switch (random_.pick(4)) {
            case 0: return Value::null();
            case 1: return Value::number(*Decimal::parse(random_.pick(2) ? "-3.5" : "120"));
            case 2: return Value::blob(std::string(static_cast<std::size_t>(random_.pick(40)), '\xfe'));
            default: return Value::text(random_.pick(2) ? "已开展三次" : std::string(300, 'x'));
        }
    }

    const char* name(int not_this = -1) {
        const auto i = random_.pick(static_cast<int>(kNames.size()));
        return kNames[static_cast<std::size_t>(i == not_this ? (i + 1) % static_cast<int>(kNames.size()) : i)];
    }

    std::string body(const CommitHeader& h) {
        CommitWriter w;
        for (int rows = 1 + random_.pick(3), i = 0; i < rows; ++i) {
            w.row(name(), "A" + std::to_string(i * 100 + random_.pick(30)));
            const auto b = base();
            w.lone_field(random_.pick(5) ? fold::Op::put : fold::Op::remove, "remark", b, false, value());
            if (random_.pick(2)) {
                w.part(fold::Op::put, "forward", base(), random_.pick(2) == 0);
                w.field("forward_a", value());
                w.field("forward_b", value());
            }
            if (random_.pick(3) == 0) {
                w.part(fold::Op::transition, "close_out", base());
                if (random_.pick(2)) w.reviewed("result_text", base());
                if (random_.pick(2)) w.field("reason", value());
            }
        }
        return w.finish(h);
    }

    Random random_;
    std::array<Chain, 3> chains_{};
    std::vector<VersionId> versions_;
};

std::vector<std::string> some_commits(int seed, std::size_t n) {
    Author author(seed);
    std::vector<std::string> out;
    while (out.size() < n) {
        out.push_back(author.next());
        Commit c;
        REQUIRE(c.decode(out.back()).has_value());
    }
    return out;
}

std::vector<std::string> packed(const std::vector<std::string>& commits) {
    Packer packer;
    std::vector<std::string> out;
    for (const auto& bytes : commits) packer.pack(bytes, out.emplace_back());
    return out;
}

std::vector<std::string> unpacked(const std::vector<std::string>& commits) {
    Packer packer;
    std::vector<std::string> out;
    for (const auto& p : commits) REQUIRE(packer.unpack(p, out.emplace_back()).has_value());
    return out;
}

ReplicaId self() {
    ReplicaId id;
    id.bytes.fill(1);
    return id;
}

TEST_CASE("runs: random commits come back byte for byte, forks and gaps among them", "[wire][runs]") {
    std::size_t coded = 0, plain = 0;
    for (int seed = 0; seed < 300; ++seed) {
        const auto commits = some_commits(seed, static_cast<std::size_t>(1 + seed % 40));
        const auto sent = packed(commits);
        const auto bytes = wire::write_runs(sent, self());
        std::vector<std::string> back;
        REQUIRE(wire::read_runs(bytes, self(), back).has_value());
        REQUIRE(unpacked(back) == commits);
        coded += bytes.size();
        for (const auto& c : commits) plain += c.size();
    }
    CHECK(coded < plain * 7 / 10);
}

TEST_CASE(
    "runs: large commits travel as the log holds them where that is asked for, the others among them by difference",
    "[wire][runs]") {
    for (int seed = 0; seed < 100; ++seed) {
        const auto sent = packed(some_commits(seed, 20));
        std::vector<std::size_t> sizes;
        for (const auto& p : sent) sizes.push_back(p.size());
        std::nth_element(sizes.begin(), sizes.begin() + 10, sizes.end());
        const auto from = sizes[10];  // half of them
        const auto bytes = wire::write_runs(sent, self(), nullptr, from);
        std::vector<std::string> back;
        REQUIRE(wire::read_runs(bytes, self(), back).has_value());
        REQUIRE(unpacked(back) == unpacked(sent));
        for (std::size_t i = 0; i < sent.size(); ++i)
            if (sent[i].size() >= from) {
                CHECK(back[i] == sent[i]);
                CHECK(bytes.find(sent[i]) != std::string::npos);
            } else {
                CHECK(back[i].front() == Packer::kRaw);
            }
    }
}

TEST_CASE("runs: an ordinary edit of a chain costs little more than what was typed", "[wire][runs]") {
    CommitHeader h;
    h.replica = self();
    h.stream = {"B01", Audience::ledger};
    h.control = ControlPos{44};
    h.catalog = 1;
    std::vector<std::string> sent;
    for (std::uint64_t i = 1; i <= 11; ++i) {
        h.seq = Seq{i};
        h.time = (1'762'000'000'000 + i * 61'000) << 16;
        CommitWriter w;
        const std::vector<VersionId> base{version(7)};
        w.row("assignment", "A00" + std::to_string(10 + i));
        w.lone_field(fold::Op::put, "remark", base, false, Value::text("三次"));
        const auto bytes = w.finish(h);
        h.prev = hash_of(bytes);
        sent.push_back(std::string(1, Packer::kRaw) + bytes);
    }
    const auto ten = wire::write_runs(std::span(sent).first(10), self()).size();
    const auto eleven = wire::write_runs(sent, self()).size();
    CHECK(eleven - ten <= 24);
}

/// Both ends have the rows and places in it.
struct Both : wire::Known {
    std::map<std::string, Row> rows;  // by id
    std::map<std::uint64_t, Hash> hashes;
    bool reader_has = true;
    int asked = 0;

    std::optional<Row> row_before(const Commit& c, std::uint32_t row) override {
        ++asked;
        const auto it = rows.find(std::string(c.rows[row].id));
        if (it == rows.end()) return std::nullopt;
        auto found = it->second;
        const auto base = c.base(c.parts_of(c.rows[row]).front());
        found.is_base = std::find(base.begin(), base.end(), found.version) != base.end();
        return found;
    }
    bool has(const StreamId&, const ReplicaId&, Seq seq) override { return hashes.contains(seq.value); }
    std::optional<RowThere> row_at(const StreamId&, const ReplicaId& replica, Seq seq, std::uint32_t row) override {
        if (reader_has)
            for (const auto& [id, r] : rows)
                if (r.replica == replica && r.seq == seq && r.row == row) return RowThere{id, r.version};
        return std::nullopt;
    }
    std::optional<Hash> hash_at(const StreamId&, const ReplicaId&, Seq seq, std::string_view first) override {
        const auto it = hashes.find(seq.value);
        if (!reader_has || it == hashes.end() || !view(it->second.bytes).starts_with(first)) return std::nullopt;
        return it->second;
    }
};

TEST_CASE("runs: rows and bases that both ends have are named by their place", "[wire][runs]") {
    Both both;
    CommitHeader h;
    h.replica = self();
    h.stream = {"B01", Audience::ledger};
    h.control = ControlPos{44};
    h.catalog = 1;
    h.prev = hash_of("the one before");
    both.hashes[300] = h.prev;
    std::vector<std::string> commits;
    for (std::uint64_t i = 0; i < 10; ++i) {
        const auto id = "a row's id is mostly long: " + std::to_string(i);
        both.rows[id] = {self(), Seq{7}, static_cast<std::uint32_t>(i), version(static_cast<int>(i)), false};
        h.seq = Seq{301 + i};
        h.time = (1'762'000'000'000 + i * 61'000) << 16;
        CommitWriter w;
        const std::vector<VersionId> base{both.rows[id].version};
        w.row("assignment", id);
        w.lone_field(fold::Op::put, "remark", base, false, Value::text("三次"));
        commits.push_back(w.finish(h));
        h.prev = hash_of(commits.back());
    }
    const auto sent = packed(commits);
    const auto in_full = wire::write_runs(sent, self());
    const auto bytes = wire::write_runs(sent, self(), &both);
    CHECK(bytes.size() < 300);
    CHECK(bytes.size() * 2 < in_full.size());
    std::vector<std::string> back;
    REQUIRE(wire::read_runs(bytes, self(), back, &both).has_value());
    CHECK(unpacked(back) == commits);

    // A reader that lacks them says so, and a reader that has something else there does not take it for the same.
    both.reader_has = false;
    for (auto* known : {static_cast<wire::Known*>(&both), static_cast<wire::Known*>(nullptr)}) {
        const auto refused = wire::read_runs(bytes, self(), back, known);
        REQUIRE(refused.has_error());
        CHECK(refused.error().code == Errc::not_found);
        CHECK(back.empty());
    }
    both.reader_has = true;
    both.rows.begin()->second.version = version(999);
    const auto refused = wire::read_runs(bytes, self(), back, &both);
    REQUIRE(refused.has_error());
    CHECK(refused.error().code == Errc::protocol);
    for (std::size_t n = 1; n < bytes.size(); ++n)
        CHECK(wire::read_runs(std::string_view(bytes).substr(0, n), self(), back, &both).has_error());
}

TEST_CASE("runs: what is no commit, or too much at once, travels as it is", "[wire][runs]") {
    const std::vector<std::string> strange{"", "x", std::string(1, '\x01') + "no zstd", std::string(2000, '\0')};
    std::vector<std::string> back;
    REQUIRE(wire::read_runs(wire::write_runs(strange, {}), {}, back).has_value());
    CHECK(back == strange);

    // Small when packed, two megabytes each when unfolded: beyond the bound they stay packed.
    CommitHeader h;
    h.replica = self();
    h.stream = {"B01", Audience::ledger};
    h.catalog = 1;
    std::vector<std::string> commits;
    for (std::uint64_t i = 1; i <= 12; ++i) {
        h.seq = Seq{i};
        CommitWriter w;
        w.row("assignment", "A1");
        w.lone_field(fold::Op::put, "remark", {}, false, Value::text(std::string(2'000'000, 'a')));
        commits.push_back(w.finish(h));
        h.prev = hash_of(commits.back());
    }
    const auto sent = packed(commits);
    REQUIRE(wire::read_runs(wire::write_runs(sent, self()), self(), back).has_value());
    std::size_t unfolded = 0;
    for (const auto& p : back) unfolded += p[0] == Packer::kRaw ? p.size() : 0;
    CHECK(unfolded > 0);
    CHECK(unfolded <= wire::kRunBytesMax);
    CHECK(unpacked(back) == commits);
}

TEST_CASE("runs: a message names so many names at most, and looks so many rows of a commit up", "[wire][runs]") {
    CommitHeader h;
    h.replica = self();
    h.stream = {"B01", Audience::ledger};
    h.catalog = 1;
    std::vector<std::string> commits;
    for (std::uint64_t i = 1; i <= 17; ++i) {  // of 512 names each
        const auto of = std::to_string(i) + "_";
        h.seq = Seq{i};
        CommitWriter w;
        w.row("e" + of, "A1");
        w.part(fold::Op::put, "g" + of, {});
        for (int n = 0; n < 510; ++n) w.field("f" + of + std::to_string(n), Value::null());
        commits.push_back(w.finish(h));
        h.prev = hash_of(commits.back());
    }
    const auto sent = packed(commits);
    std::vector<std::string> back;
    REQUIRE(wire::read_runs(wire::write_runs(sent, self()), self(), back).has_value());
    CHECK(unpacked(back) == commits);
    CHECK(std::count_if(back.begin(), back.end(), [](const auto& p) { return p[0] == Packer::kRaw; }) == 16);

    for (const int rows : {32, 33}) {
        Both both;
        h.seq = Seq{1};
        h.prev = {};
        CommitWriter w;
        for (int i = 0; i < rows; ++i) {
            w.row("assignment", "A" + std::to_string(i));
            w.lone_field(fold::Op::put, "remark", {}, false, Value::text("三次"));
        }
        const std::vector<std::string> one{w.finish(h)};
        const auto bytes = wire::write_runs(packed(one), self(), &both);
        CHECK(both.asked == (rows == 32 ? 32 : 0));
        REQUIRE(wire::read_runs(bytes, self(), back, &both).has_value());
        CHECK(unpacked(back) == one);
    }
}

TEST_CASE("runs: cut or turned anywhere they are refused", "[wire][runs]") {
    const auto commits = some_commits(5, 25);
    const auto bytes = wire::write_runs(packed(commits), self());
    std::vector<std::string> back;
    for (std::size_t n = 1; n < bytes.size(); ++n) {
        CHECK(wire::read_runs(std::string_view(bytes).substr(0, n), self(), back).has_error());
        CHECK(back.empty());
    }
    CHECK(wire::read_runs(bytes + '\0', self(), back).has_error());
    for (std::size_t bit = 0; bit < bytes.size() * 8; ++bit) {
        auto turned = bytes;
        turned[bit / 8] = static_cast<char>(turned[bit / 8] ^ (1 << bit % 8));
        // No bit is without meaning: either it is refused, or the commits are still those.
        if (wire::read_runs(turned, self(), back)) CHECK(unpacked(back) == commits);
    }
    ReplicaId other;
    other.bytes.fill(77);
    CHECK(wire::read_runs(bytes, other, back).has_error());
}

TEST_CASE("runs: random bytes take no more memory than they may", "[wire][runs]") {
    const auto bytes = wire::write_runs(packed(some_commits(6, 30)), self());
    Random random(9);
    std::vector<std::string> back;
    for (int i = 0; i < 20'000; ++i) {
        auto turned = bytes;
        for (int k = random.pick(5); k >= 0; --k)
            turned[static_cast<std::size_t>(random.pick(static_cast<int>(turned.size())))] =
                static_cast<char>(random.pick(256));
        (void)wire::read_runs(turned, self(), back).has_value();
        (void)wire::read_runs(std::string_view(turned).substr(static_cast<std::size_t>(random.pick(60))), self(), back)
            .has_value();
    }
    // A few bytes that say "the same names again" a million times.
    CommitHeader h;
    h.replica = self();
    h.stream = {"B01", Audience::ledger};
    h.catalog = 1;
    h.seq = Seq{1};
    CommitWriter w;
    for (int i = 0; i < 400; ++i) {
        w.row("a" + std::string(60, static_cast<char>('a' + i % 26)), "A" + std::to_string(i));
        w.lone_field(fold::Op::put, std::string(50, 'n') + std::to_string(i), {}, false, Value::null());
    }
    auto bomb = wire::write_runs(std::vector{std::string(1, Packer::kRaw) + w.finish(h)}, self());
    bomb.resize(bomb.size() - 8);
    std::string many;  // some 9 GB of commits
    Writer(many).varint(200'001);
    bomb.replace(0, 1, many);
    for (int i = 0; i < 200'000; ++i) bomb.append("\0\0\0", 3);
    CHECK(wire::read_runs(bomb, self(), back).has_error());
}

TEST_CASE("runs: a message that would unfold to more than its bound is refused", "[wire][runs]") {
    CommitHeader h;
    h.replica = self();
    h.stream = {"B01", Audience::ledger};
    h.catalog = 1;
    Hasher hashes;
    std::vector<std::string> commits;
    // Each after the second differs from the one before in nothing that is written: a piece can be repeated by hand.
    const auto by_hand = [&](std::uint64_t count) {
        const auto of = [&](std::uint64_t n) { return wire::write_runs(std::span(commits).first(n), self()); };
        const auto five = of(5), six = of(6);
        const auto piece = six.substr(five.size() - 8, six.size() - five.size());
        std::string bytes(1, static_cast<char>(count));
        bytes += six.substr(1, six.size() - 9);
        for (auto n = count; n > 6; --n) bytes += piece;
        const auto proof = hashes.finish();
        return bytes + std::string(view(proof.bytes).substr(0, 8));
    };
    const auto count = static_cast<std::uint64_t>(GENERATE(6, 7));
    for (std::uint64_t i = 1; i <= count; ++i) {
        h.seq = Seq{i};
        CommitWriter w;
        w.row("assignment", "A1");
        w.lone_field(fold::Op::put, "remark", {}, false, Value::text(std::string(2'000'000, 'a')));
        const auto bytes = w.finish(h);
        h.prev = hash_of(bytes);
        hashes.add(view(h.prev.bytes));
        Packer().pack(bytes, commits.emplace_back());
    }
    std::vector<std::string> back;
    CHECK(wire::read_runs(by_hand(count), self(), back).has_value() == (count == 6));
}

}  // namespace
}  // namespace taizhang::runs_test
