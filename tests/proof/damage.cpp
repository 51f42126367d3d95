// Damaged files: bundles of which none may be taken, and single bits of a database that lies on a disk.
#include "tests/proof/proof.h"
#include "tests/proof/session.h"

#include "sync/bundle.h"
#include "tests/sim/catalogs.h"

#include <sqlite3.h>

#include <algorithm>
#include <cstdio>
#include <map>
#include <set>

namespace taizhang::proof {
namespace {

using reference::Random;
using support::Device;
using support::SimDisk;
using support::text;

std::size_t pick(Random& random, std::size_t n) {
    return static_cast<std::size_t>(random.pick(static_cast<int>(std::max<std::size_t>(n, 1))));
}

/// One line, Chinese / English.
bool is_clear(const std::string& line) {
    return line.find(" / ") != std::string::npos && line.find('\n') == std::string::npos;
}

// ------------------------------------------------------------------ bundles

constexpr int kDamagedAtOnce = 1500;
constexpr std::size_t kMarkBytes = 1 + sizeof(Hash);

/// The hash at its end tells damage; whoever damages on purpose puts it right.
std::string with_mark(std::string file) {
    file.resize(file.size() - kMarkBytes);
    const auto mark = hash_of(file);
    Writer(file).str(view(mark.bytes));
    return file;
}

struct DamagedFile {
    std::string bytes;
    bool is_marked = false;  ///< and its hash put right: by somebody, not by a bad stick
};
DamagedFile damaged(Random& random, std::string s, const std::string& other) {
    const auto at = pick(random, s.size()), to = pick(random, s.size());
    const auto length = 1 + pick(random, 600);
    switch (random.pick(9)) {
        case 0: s[at] = static_cast<char>(s[at] ^ (1 << random.pick(8))); break;
        case 1:
            for (int n = 2 + random.pick(6); n > 0; --n) {
                auto& c = s[pick(random, s.size())];
                c = static_cast<char>(c ^ (1 << random.pick(8)));
            }
            break;
        case 2: s.resize(at); break;
        case 3: s.append(other.substr(0, length)); break;
        case 4: s = s.substr(0, at) + other.substr(std::min(at, other.size())); break;
        case 5: std::swap(s[at], s[to]); break;
        case 6: s.insert(at, s.substr(to, length)); break;
        case 7: s.replace(at, length, std::string(std::min(length, s.size() - at), '\0')); break;
        default: s.erase(at, length);
    }
    if (s.size() > kMarkBytes && random.one_in(2)) return {with_mark(std::move(s)), true};
    return {std::move(s), false};
}

class Bundles final : public Proof {
public:
    explicit Bundles(std::uint64_t seed) : seed_(seed) {}

    void step(std::uint64_t number, Counts& counts) override {
        Random random(seed_ * 1'000'003 + number);
        support::World w(sim::catalog_text(1, false));
        const auto a = w.device("B01"), b = w.device("B01");
        w.sync(*a);  // and knows whom to seal to
        for (int n = 0; n < 4 + random.pick(20); ++n) write(*a, n);
        sync::BundleOptions options;
        options.to = "B01";
        options.part_bytes = 300 + pick(random, 4000);
        auto files = need(sync::make_bundle(**a, options)).parts;
        for (const auto& part : need(sync::make_bundle(*w.city, {"B01", true})).parts) files.push_back(part);
        for (int n = 0; n < kDamagedAtOnce; ++n) {
            const auto file = damaged(random, files[pick(random, files.size())], files[pick(random, files.size())]);
            if (std::find(files.begin(), files.end(), file.bytes) != files.end()) continue;
            refuse(*b, file, counts);
        }
        // Whatever came out of a file whose hash was put right, it is what somebody wrote.
        for (const auto& h : need((*b)->chain_heads()))
            if (!has(**a, h) && !has(*w.city, h)) throw Failure("a damaged bundle brought what nobody wrote");
        for (const auto& file : files)
            if (const auto taken = sync::take_bundle(**b, file); !taken)
                throw Failure("afterwards the whole bundle is not taken: " + taken.error().detail);
        need((*b)->verify());
        for (const auto& h : need((*a)->own_heads()))
            if (need((*b)->hashes_at(h.stream, h.replica, h.seq)).empty())
                throw Failure("a whole bundle did not bring what is in it");
    }

private:
    static void write(Device& d, int n) {
        Edit e;
        e.entity = "probe";
        e.row = "P" + std::to_string(n % 3);
        e.stream = StreamId{"B01", Audience::ledger};
        e.fields = {{"title", text("第" + std::to_string(n))},
                    {"diary", text(std::string(40, static_cast<char>('a' + n)))}};
        d.edit(e);
    }

    static bool has(Replica& r, const ChainHead& h) {
        const auto there = need(r.hashes_at(h.stream, h.replica, h.seq));
        return std::find(there.begin(), there.end(), h.hash) != there.end();
    }

    static void refuse(Device& b, const DamagedFile& file, Counts& counts) {
        const auto head = b->log_head();
        const auto control = b->control().head();
        const auto changes = b->database().total_changes();
        const auto taken = sync::take_bundle(*b, file.bytes);
        ++counts["damaged_bundles"];
        if (file.is_marked) ++counts["hash_put_right"];
        if (taken && file.is_marked) {
            // Several receivers: each opens his own slot of the seal, and what is inside is sealed and signed whole.
            ++counts["other_receivers_slot"];
            return;
        }
        if (taken) throw Failure("a damaged bundle was taken");
        if (!is_clear(taken.error().detail)) throw Failure("a person cannot read: " + taken.error().detail);
        if (b->log_head() != head || b->control().head() != control || b->database().total_changes() != changes)
            throw Failure("a damaged bundle changed something: " + taken.error().detail);
        ++counts["said_" + std::string(name_of(taken.error().code))];
    }

    std::uint64_t seed_;
};

// ------------------------------------------------------------------ single bits

// In a file that lies there, and behind a program that has it open.
constexpr int kFlipsAtOnce = 100, kLiveFlipsAtOnce = 300;
constexpr int kSendOneIn = 20, kHealOneIn = 40;

/// Everything that this node shows or sends, in texts by kind.
using Served = std::map<std::string, std::string>;

Result<> serve_log(Replica& r, Served& out) {
    Writer w(out["log"]), signatures(out["signatures"]);
    TRY(const auto heads, r.chain_heads());
    for (const auto& h : heads) {
        w.str(h.stream.str()), w.raw(view(h.replica.bytes)), w.varint(h.seq.value), w.raw(view(h.hash.bytes));
        TRY(const auto entries, r.chain_after(h.stream, h.replica, Seq{0}, 1 << 22));
        for (const auto& e : entries) w.varint(e.seq.value), w.str(e.packed), signatures.str(e.signature);
    }
    TRY(const auto control, r.control_after(ControlPos{0}, 1 << 22));
    Writer c(out["control"]);
    for (const auto& e : control) c.str(e);
    Writer b(out["outbox"]);
    TRY(const auto behind, r.behind());
    for (const auto& x : behind) b.str(x.stream.str()), b.varint(x.acked.value), b.varint(x.head.value);
    return {};
}

Result<> serve_rows(Replica& r, Served& out) {
    Writer all(out["digests"]), w(out["rows"]), h(out["history"]);
    TRY(const auto digest, r.digest());
    for (const auto& [stream, d] : digest) all.str(stream), all.str(d);
    for (int n = 1; n < 12; ++n) {
        TRY(const auto found, r.find("P" + std::to_string(n)));
        for (const auto& key : found) {
            TRY(const auto row, r.read_row(key.entity, key.id));
            w.str(row.state);
            for (const auto& [name, value] : row.fields) w.str(name), w.str(value.display());
            for (const auto& item : row.history) h.str(item.commit.hash.hex()), h.str(item.person);
        }
    }
    Writer c(out["conflicts"]);
    TRY(const auto conflicts, r.conflicts());
    for (const auto& x : conflicts) c.str(x.row), c.str(x.group), c.varint(x.open ? 1 : 0);
    return {};
}

Result<Served> served(Replica& r) {
    Served out;
    TRY_VOID(serve_log(r, out));
    TRY_VOID(serve_rows(r, out));
    return out;
}

std::string first_difference(const Served& a, const Served& b) {
    for (const auto& [name, text] : a)
        if (b.at(name) != text) return name;
    return {};
}

class Flips final : public Proof {
public:
    explicit Flips(std::uint64_t seed) : seed_(seed) {}
    ~Flips() override {
        for (const auto& l : unclear_) std::printf("unclear: %s\n", l.c_str());
    }

    void step(std::uint64_t number, Counts& counts) override {
        const auto seed = reference::mix(seed_ * 1'000'003 + number) >> 16;
        Random random(seed);
        Session s(seed);
        auto steps = Session::canonical();
        steps.resize(3 + pick(random, steps.size() - 3));
        for (const auto step : steps) s.run(step);
        s.run(Session::Step::edit);                            // something that the hub has not
        if (number % 2 == 0) s.machine(Who::device).reopen();  // all of it in the database, else most in SQLite's log
        Node n{s, s.state().disks[0], need(served(*s.machine(Who::device))), SimDisk(seed), nullptr, random, counts};
        for (const auto& [name, bytes] : n.whole.files)
            if (!bytes.empty()) n.files.emplace_back(name, bytes.size());
        n.disk.restore(n.whole);
        open(n);
        need((*n.device)->database().check_pages());
        n.copied_out = n.disk.snapshot().files.at(kDatabase);
        for (int i = 0; i < kFlipsAtOnce; ++i) flip(n, false);
        n.device.reset();
        for (int i = 0; i < kLiveFlipsAtOnce; ++i) flip(n, true);
    }

private:
    struct Node {
        Session& s;
        SimDisk::Snapshot whole;
        Served truth;
        SimDisk disk;
        std::unique_ptr<Device> device;
        Random& random;
        Counts& counts;
        std::vector<std::pair<std::string, std::size_t>> files;
        std::vector<char> copied_out;  ///< the database with all that is in the log
    };
    struct Place {
        const std::string& file;
        std::size_t at;
        int bit;
    };

    void open(Node& n) {
        n.device.reset();
        n.device =
            std::make_unique<Device>(++seed_, kDatabase, n.disk.vfs_name(), Knows{}, Session::keys_of(Who::device));
        n.device->clock = n.s.clock();
    }

    void flip(Node& n, bool is_live) {
        const auto& [name, size] = n.files[pick(n.random, n.files.size())];
        const Place p{name, pick(n.random, size), n.random.pick(8)};
        ++n.counts[is_live ? "flips_live" : "flips"];
        try {
            if (is_live)
                live(n, p);
            else
                lying(n, p);
        } catch (const Failure& e) {
            throw Failure(std::string(is_live ? "live, " : "") + name + ", byte " + std::to_string(p.at) + ", bit " +
                          std::to_string(p.bit) + ": " + e.what());
        }
    }

    /// In a file, before the program starts.
    void lying(Node& n, const Place& p) {
        n.device.reset();
        n.disk.restore(n.whole);
        n.disk.flip_bit(p.file, p.at, p.bit);
        try {
            open(n);
        } catch (const std::runtime_error& e) {
            return noticed(n, "noticed_when_opened", e.what());
        }
        const auto now = served(**n.device);
        if (!now) return noticed(n, "noticed_when_read", now.error().detail);
        if (n.random.one_in(kSendOneIn)) send(*n.device, n.s, n.counts);
        check_same(n, *now);
        if (p.file == kDatabase) return look_through(n, p);
        const auto files = n.disk.snapshot().files;
        const auto log = files.find(p.file);
        const bool is_right =
            log != files.end() && p.at < log->second.size() && log->second[p.at] == n.whole.files.at(p.file)[p.at];
        ++n.counts[is_right ? "put_right" : "harmless"];
    }

    /// Nobody has come across it yet: whoever looks at all pages does, unless the log had another content for it.
    static void look_through(Node& n, const Place& p) {
        if (!(*n.device)->database().check_pages()) {
            ++n.counts["noticed_when_looked_through"];
            return;
        }
        const auto now = n.disk.snapshot().files.at(kDatabase);
        if (now.at(p.at) != n.copied_out.at(p.at)) throw Failure("it is still there, and nobody says so");
        ++n.counts["harmless"];
    }

    /// Behind a program that has read it before and does not keep it.
    void live(Node& n, const Place& p) {
        if (!n.device) {
            n.disk.restore(n.whole);
            open(n);
        }
        auto& r = **n.device;
        n.disk.flip_bit(p.file, p.at, p.bit);
        sqlite3_db_release_memory(r.database().handle());
        const auto now = served(r);
        if (!now) {
            n.device.reset();
            return noticed(n, "noticed_when_read_live", now.error().detail);
        }
        check_same(n, *now);
        ++n.counts["harmless_live"];
        if (n.random.one_in(kSendOneIn)) {
            send(*n.device, n.s, n.counts);
            n.device.reset();
        } else {
            n.disk.flip_bit(p.file, p.at, p.bit);
        }
    }

    static void check_same(const Node& n, const Served& now) {
        if (now != n.truth)
            throw Failure("of the " + first_difference(n.truth, now) + " it shows another thing, and nobody says so");
    }

    void noticed(Node& n, const char* how, const std::string& line) {
        ++n.counts[how];
        if (!is_clear(line)) {
            ++n.counts["lines_unclear"];
            unclear_.insert(line);
        }
        if (n.random.one_in(kHealOneIn)) heal(n.s, n.counts);
    }

    /// Whatever it sends, the hub takes nothing that does not fit.
    void send(Device& found, Session& s, Counts& counts) {
        SimDisk disk(++seed_);
        disk.restore(s.disk(Who::hub).snapshot());
        Device city(++seed_, kDatabase, disk.vfs_name(), {}, Session::keys_of(Who::hub));
        city.clock = s.clock();
        auto hub = need(sync::Hub::open(*city));
        ++counts["sent"];
        try {
            support::World::sync(found, hub);
        } catch (const std::runtime_error&) {
            ++counts["sending_refused"];
        }
        if (const auto r = city->verify(); !r) throw Failure("the hub took it: " + r.error().detail);
        for (const auto& h : need(city->chain_heads())) {
            const auto own = need(s.machine(Who::device)->hashes_at(h.stream, h.replica, h.seq));
            if (!own.empty() && std::find(own.begin(), own.end(), h.hash) == own.end())
                throw Failure("the hub took a commit that nobody wrote");
        }
    }

    /// Its data set aside, a device gets from the hub all that it had sent.
    void heal(Session& s, Counts& counts) {
        SimDisk hub_disk(++seed_), disk(++seed_);
        hub_disk.restore(s.disk(Who::hub).snapshot());
        Device city(++seed_, kDatabase, hub_disk.vfs_name(), {}, Session::keys_of(Who::hub));
        Device anew(++seed_, kDatabase, disk.vfs_name(), {}, {support::make_key(seed_), nullptr});
        city.clock = anew.clock = s.clock();
        auto hub = need(sync::Hub::open(*city));
        Session::settle(anew, hub);
        need(anew->verify());
        const auto there = need(city->digest());
        for (const auto& [stream, digest] : need(anew->digest()))
            for (const auto& [name, other] : there)
                if (name == stream && other != digest) throw Failure("not healed: " + stream);
        ++counts["healed"];
    }

    std::set<std::string> unclear_;
    std::uint64_t seed_;
};

}  // namespace

std::unique_ptr<Proof> make_damaged_bundles(std::uint64_t seed) { return std::make_unique<Bundles>(seed); }
std::unique_ptr<Proof> make_bit_flips(std::uint64_t seed) { return std::make_unique<Flips>(seed); }

}  // namespace taizhang::proof
