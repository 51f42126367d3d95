#include "wire/runs.h"

#include "log/commit.h"
#include "log/layout.h"

#include <map>
#include <optional>
#include <tuple>
#include <unordered_map>

namespace taizhang::wire {
namespace {

using namespace layout;

// A commit begins with a byte that says what is not as in the commit before.
constexpr std::uint8_t kChain = 0x01;       // another chain
constexpr std::uint8_t kControl = 0x02;     // zigzag difference
constexpr std::uint8_t kCatalog = 0x04;     // varint
constexpr std::uint8_t kPerson = 0x08;      // str
constexpr std::uint8_t kNames = 0x10;       // varint n, n × (0 str | 1 + place in the message's list)
constexpr std::uint8_t kCounter = 0x20;     // varint: the hybrid time's counter, which is not 0
constexpr std::uint8_t kUnverified = 0x40;  // the flag itself
constexpr std::uint8_t kPacked = 0x80;      // nothing of the above: str packed

constexpr std::size_t kMessageNamesMax = 8192;
constexpr std::size_t kCommitsMax = std::size_t{1} << 18;  // an empty one is two bytes here and 32 in memory
constexpr std::size_t kProofBytes = 8, kShortHash = 4;
// A row's first number: the end, a row that both sides know, or 2 + the entity's name.
constexpr std::uint64_t kRowsEnd = 0, kKnownRow = 1;
// A known row costs some five bytes; it pays for a base of sixteen, or a long id.
constexpr std::size_t kLongId = 8, kKnownRowsMax = 32;

struct Chain {
    StreamId stream;
    ReplicaId replica;
    Seq seq;
    Hash hash;
};

/// What both sides remember while they go through a message, each from what it has seen.
struct Memory {
    explicit Memory(const ReplicaId& self) { authors.push_back(self); }

    std::vector<ReplicaId> authors;
    std::vector<Chain> chains;
    std::vector<std::string> names;
    std::vector<VersionId> versions;
    CommitHeader last;                         ///< of the commit before
    std::vector<std::uint32_t> last_names;     ///< places in names
    std::size_t last_chain = ~std::size_t{0};  ///< place in chains
    Hasher hashes;
    std::size_t unfolded = 0;  ///< canonical bytes so far

    void seen(std::size_t chain, const CommitHeader& h, const Hash& hash, std::size_t bytes) {
        chains[chain].seq = h.seq;
        chains[chain].hash = hash;
        last_chain = chain;
        last = h;
        versions.push_back(version_of(hash));
        hashes.add(view(hash.bytes));
        unfolded += bytes;
    }
    std::string proof() {
        const auto all = hashes.finish();
        return std::string(view(all.bytes).substr(0, kProofBytes));
    }
};

/// Walks the rows of one commit: the same steps on both sides, which differ in row() and version().
template <class Side>
void walk_rows(Side& s) {
    auto versions = [&](std::uint64_t n) {
        for (; n > 0 && s.ok(); --n) s.version();
    };
    while (s.row()) {
        for (;;) {
            const auto tag = s.u8();
            if (tag == 0) break;  // also where the bytes end
            s.varint();
            if ((tag & kBaseMask) == kBaseOne) s.version();
            if ((tag & kBaseMask) == kBaseMany) versions(s.varint());
            while ((tag & kReviewed) && s.ok() && s.varint() != 0) versions(s.varint());
            if (tag & kLoneField) {
                s.value();
                continue;
            }
            while (s.ok() && s.varint() != 0) s.value();
        }
        if (!s.ok()) return;
    }
}

/// Reads one form and writes the other; most of a row is the same in both.
class Side {
public:
    Side(Reader& r, Writer w) : r_(r), w_(w) {}
    bool ok() const { return r_.ok(); }
    std::uint8_t u8() {
        const auto v = r_.u8();
        if (ok()) w_.u8(v);
        return v;
    }
    std::uint64_t varint() {
        const auto v = r_.varint();
        if (ok()) w_.varint(v);
        return v;
    }
    void str() {
        const auto v = r_.str();
        if (ok()) w_.str(v);
    }
    void value() {
        const auto kind = u8() & 15;
        if (kind == 1) varint();
        if (kind == 2 || kind == 3) str();
        if (kind > 3) r_.poison();
    }

protected:
    Reader& r_;
    Writer w_;
};

struct ChainOrder {
    bool operator()(const std::pair<StreamId, ReplicaId>& a, const std::pair<StreamId, ReplicaId>& b) const {
        return std::tie(a.second, a.first) < std::tie(b.second, b.first);
    }
};

// ------------------------------------------------------------------ writing

class RunWriter {
public:
    RunWriter(const ReplicaId& self, Known* known, std::size_t whole_from)
        : memory_(self), known_(known), whole_from_(whole_from) {
        author_place_[self] = 0;
    }

    void add(const std::string& packed) {
        if (packed.size() < whole_from_ && packer_.unpack(packed, raw_) &&
            memory_.unfolded + raw_.size() <= kRunBytesMax && commit_.decode(raw_, Commit::Text::checked) &&
            !commit_.is_newer && memory_.names.size() + commit_.names.size() <= kMessageNamesMax)
            return by_difference();
        out_.u8(kPacked);
        out_.str(packed);
    }

    std::string finish(std::size_t count) {
        std::string out;
        Writer w(out);
        w.varint(count);
        w.raw(coded_);
        w.raw(memory_.proof());
        return out;
    }

private:
    void by_difference() {
        const auto& h = commit_.header;
        const auto& last = memory_.last;
        const auto chain = place_of_chain(h);
        auto names = places_of_names();
        const std::uint64_t ms = h.time >> 16, counter = h.time & 0xffff;
        std::uint8_t head = 0;
        if (!chain || *chain != memory_.last_chain) head |= kChain;
        if (h.control != last.control) head |= kControl;
        if (h.catalog != last.catalog) head |= kCatalog;
        if (h.person != last.person) head |= kPerson;
        if (names != memory_.last_names) head |= kNames;
        if (counter != 0) head |= kCounter;
        if (h.time_unverified) head |= kUnverified;
        out_.u8(head);
        const auto place = head & kChain ? write_chain(h, chain) : *chain;
        if (head & kControl) out_.zigzag(static_cast<std::int64_t>(h.control.value - last.control.value));
        if (head & kCatalog) out_.varint(h.catalog);
        if (head & kPerson) out_.str(h.person);
        out_.zigzag(static_cast<std::int64_t>(ms - (last.time >> 16)));
        if (head & kCounter) out_.varint(counter);
        if (head & kNames) write_names(names);
        memory_.last_names = std::move(names);
        write_rows();
        version_place_[commit_.version()] = memory_.versions.size();
        memory_.seen(place, h, commit_.hash, raw_.size());
    }

    /// Where the chain is that this commit is the next of; none: it has to be named.
    std::optional<std::size_t> place_of_chain(const CommitHeader& h) const {
        const auto it = chain_place_.find({h.stream, h.replica});
        if (it == chain_place_.end()) return std::nullopt;
        const auto& chain = memory_.chains[it->second];
        if (h.seq.value != chain.seq.value + 1 || h.prev != chain.hash) return std::nullopt;
        return it->second;
    }

    std::size_t write_chain(const CommitHeader& h, std::optional<std::size_t> place) {
        out_.varint(place ? *place + 1 : 0);
        if (place) return *place;
        out_.str(h.stream.unit);
        out_.u8(static_cast<std::uint8_t>(h.stream.audience));
        write_author(h.replica);
        const bool is_known = known_ && h.seq.value > 1 && known_->has(h.stream, h.replica, Seq{h.seq.value - 1});
        out_.varint(h.seq.value << 1 | static_cast<std::uint64_t>(is_known));
        if (h.seq.value > 1) out_.raw(view(h.prev.bytes).substr(0, is_known ? kShortHash : h.prev.bytes.size()));
        memory_.chains.push_back({h.stream, h.replica, h.seq, h.prev});
        return chain_place_[{h.stream, h.replica}] = memory_.chains.size() - 1;
    }

    void write_author(const ReplicaId& replica) {
        const auto [author, is_new] = author_place_.try_emplace(replica, memory_.authors.size());
        out_.varint(is_new ? 0 : author->second + 1);
        if (!is_new) return;
        out_.raw(view(replica.bytes));
        memory_.authors.push_back(replica);
    }

    /// Of names that are new to the message: kNew, until they are written.
    static constexpr std::uint32_t kNew = ~std::uint32_t{0};
    std::vector<std::uint32_t> places_of_names() const {
        std::vector<std::uint32_t> places;
        places.reserve(commit_.names.size());
        for (const auto& n : commit_.names) {
            const auto it = name_place_.find(std::string(n));
            places.push_back(it == name_place_.end() ? kNew : it->second);
        }
        return places;
    }

    void write_names(std::vector<std::uint32_t>& places) {
        out_.varint(places.size());
        for (std::size_t i = 0; i < places.size(); ++i) {
            if (places[i] != kNew) {
                out_.varint(places[i] + 1u);
                continue;
            }
            out_.u8(0);
            out_.str(commit_.names[i]);
            places[i] = static_cast<std::uint32_t>(memory_.names.size());
            memory_.names.emplace_back(commit_.names[i]);
            name_place_.emplace(memory_.names.back(), places[i]);
        }
    }

    class Rows : public Side {
    public:
        Rows(RunWriter& from, Reader& r) : Side(r, from.out_), from_(from) {}
        bool row() {
            const auto entity = r_.varint();
            if (entity == 0) {
                w_.varint(kRowsEnd);
                return false;
            }
            if (const auto known = from_.known_row(row_++)) {
                w_.varint(kKnownRow);
                w_.varint(entity);
                from_.write_author(known->replica);
                w_.varint(known->seq.value);
                w_.varint(known->row);
                r_.str();
                from_.version_place_[known->version] = from_.memory_.versions.size();
                from_.memory_.versions.push_back(known->version);
                return ok();
            }
            w_.varint(entity + 1);
            str();
            return ok();
        }
        void version() {
            const VersionId v{r_.array<16>()};
            auto& known = from_.memory_.versions;
            const auto [it, is_new] = from_.version_place_.try_emplace(v, known.size());
            w_.varint(is_new ? 0 : known.size() - it->second);
            if (!is_new) return;
            w_.raw(view(v.bytes));
            known.push_back(v);
        }

    private:
        RunWriter& from_;
        std::uint32_t row_ = 0;
    };

    std::optional<Known::Row> known_row(std::uint32_t row) const {
        if (!known_ || commit_.rows.size() > kKnownRowsMax) return std::nullopt;
        const auto known = known_->row_before(commit_, row);
        if (!known) return std::nullopt;
        const bool pays =
            (known->is_base && !version_place_.contains(known->version)) || commit_.rows[row].id.size() > kLongId;
        return pays ? known : std::nullopt;
    }

    void write_rows() {
        Reader r(raw_);
        const auto names_end = commit_.names.back().data() + commit_.names.back().size();
        r.raw(static_cast<std::size_t>(names_end - raw_.data()));
        Rows rows(*this, r);
        walk_rows(rows);
    }

    Memory memory_;
    Known* known_;
    std::size_t whole_from_;
    std::string coded_;
    Writer out_{coded_};
    Packer packer_;
    std::string raw_;
    Commit commit_;
    std::map<ReplicaId, std::size_t> author_place_;
    std::map<std::pair<StreamId, ReplicaId>, std::size_t, ChainOrder> chain_place_;
    std::unordered_map<std::string, std::uint32_t> name_place_;
    std::unordered_map<VersionId, std::size_t> version_place_;
};

// ------------------------------------------------------------------ reading

class RunReader {
public:
    RunReader(std::string_view bytes, const ReplicaId& self, Known* known) : r_(bytes), memory_(self), known_(known) {}

    /// It named something that is not here.
    bool lacks() const { return lacks_; }

    /// Calls `give` with each packed commit; false when the bytes make no sense.
    template <class Give>
    bool read(Give&& give) {
        auto n = r_.varint();
        if (n > kCommitsMax) r_.poison();
        for (; n > 0 && r_.ok(); --n) {
            std::string packed;
            const auto head = r_.u8();
            if (head == kPacked)
                packed = std::string(r_.str());
            else if (head & kPacked)
                r_.poison();
            else
                by_difference(head, packed);
            if (r_.ok()) give(std::move(packed));
        }
        const auto proof = r_.raw(kProofBytes);
        return r_.done() && proof == memory_.proof();
    }

private:
    void by_difference(std::uint8_t head, std::string& packed) {
        CommitHeader h = memory_.last;
        const auto place = head & kChain ? read_chain() : memory_.last_chain;
        if (head & kControl) h.control.value += static_cast<std::uint64_t>(r_.zigzag());
        if (head & kCatalog) {
            const auto catalog = r_.varint();
            h.catalog = static_cast<std::uint32_t>(catalog);
            if (h.catalog != catalog) r_.poison();
        }
        if (head & kPerson) h.person = std::string(r_.str());
        const auto ms = (h.time >> 16) + static_cast<std::uint64_t>(r_.zigzag());
        const auto counter = head & kCounter ? r_.varint() : 0;
        if (ms > kTimeMax >> 16 || counter > 0xffff || ((head & kCounter) && counter == 0)) r_.poison();
        h.time = ms << 16 | counter;
        h.time_unverified = head & kUnverified;
        if (head & kNames) read_names();
        if (place >= memory_.chains.size() || h.person.size() > kPersonMax) r_.poison();
        if (!r_.ok()) return;
        const auto& chain = memory_.chains[place];
        h.stream = chain.stream;
        h.replica = chain.replica;
        h.seq = Seq{chain.seq.value + 1};
        h.prev = chain.hash;
        packed.push_back(Packer::kRaw);
        Writer w(packed);
        write_header(w, h);
        w.varint(memory_.last_names.size());
        for (const auto n : memory_.last_names) w.str(memory_.names[n]);
        Rows rows(*this, h.stream, w);
        walk_rows(rows);
        if (memory_.unfolded + packed.size() - 1 > kRunBytesMax) r_.poison();
        if (!r_.ok()) return;
        memory_.seen(place, h, hash_of(std::string_view(packed).substr(1)), packed.size() - 1);
    }

    std::size_t read_chain() {
        const auto place = r_.varint();
        if (place > 0) return place - 1;  // by_difference() looks whether it is there
        Chain c;
        c.stream.unit = std::string(r_.str());
        const auto audience = r_.u8();
        c.stream.audience = static_cast<Audience>(audience);
        if (audience > 1 || c.stream.unit.size() > kUnitMax) r_.poison();
        c.replica = read_author();
        const auto seq = r_.varint();
        if (seq < 2 || seq == 3) r_.poison();  // from 1; what comes before the first is not known, but nothing
        if (!r_.ok()) return 0;
        c.seq = Seq{(seq >> 1) - 1};
        if (seq & 1) {
            const auto first_bytes = r_.raw(kShortHash);
            const auto hash =
                known_ && r_.ok() ? known_->hash_at(c.stream, c.replica, c.seq, first_bytes) : std::nullopt;
            if (!hash) return lack();
            c.hash = *hash;
        } else if (c.seq.value > 0) {
            c.hash.bytes = r_.array<32>();
        }
        memory_.chains.push_back(std::move(c));
        return memory_.chains.size() - 1;
    }

    ReplicaId read_author() {
        const auto author = r_.varint();
        if (author > memory_.authors.size()) r_.poison();
        if (!r_.ok()) return {};
        if (author == 0) memory_.authors.push_back(ReplicaId{r_.array<16>()});
        return author == 0 ? memory_.authors.back() : memory_.authors[author - 1];
    }

    std::size_t lack() {
        lacks_ = r_.ok();
        r_.poison();
        return 0;
    }

    void read_names() {
        const auto n = r_.size();
        if (n > kNamesMax) return r_.poison();
        auto& places = memory_.last_names;
        places.clear();
        for (std::size_t i = 0; i < n && r_.ok(); ++i) {
            const auto place = r_.varint();
            if (place > memory_.names.size() || memory_.names.size() > kMessageNamesMax) return r_.poison();
            if (place == 0) {
                const auto name = r_.str();
                if (name.size() > kNameMax) r_.poison();
                memory_.names.emplace_back(name);
            }
            places.push_back(static_cast<std::uint32_t>(place == 0 ? memory_.names.size() - 1 : place - 1));
        }
    }

    class Rows : public Side {
    public:
        Rows(RunReader& from, const StreamId& stream, Writer w) : Side(from.r_, w), from_(from), stream_(stream) {}
        bool row() {
            const auto entity = r_.varint();
            if (entity == kKnownRow) return known_row();
            if (!ok()) return false;
            w_.varint(entity == kRowsEnd ? 0 : entity - 1);
            if (entity == kRowsEnd) return false;
            str();
            return ok();
        }
        void version() {
            auto& known = from_.memory_.versions;
            const auto back = r_.varint();
            if (back > known.size() || w_.out().size() > kCommitBytesMax) r_.poison();
            if (!ok()) return;
            if (back == 0) known.push_back(VersionId{r_.array<16>()});
            w_.raw(view((back == 0 ? known.back() : known[known.size() - back]).bytes));
        }

    private:
        bool known_row() {
            const auto entity = r_.varint();
            const auto author = from_.read_author();
            const auto seq = r_.varint(), row = r_.varint();
            if (entity == 0 || row > kCommitBytesMax) r_.poison();
            if (!ok()) return false;
            const auto there = from_.known_
                                   ? from_.known_->row_at(stream_, author, Seq{seq}, static_cast<std::uint32_t>(row))
                                   : std::nullopt;
            if (!there) return from_.lack() != 0;
            w_.varint(entity);
            w_.str(there->id);
            from_.memory_.versions.push_back(there->version);
            return true;
        }

        RunReader& from_;
        const StreamId& stream_;
    };

    Reader r_;
    Memory memory_;
    Known* known_;
    bool lacks_ = false;
};

}  // namespace

std::string write_runs(std::span<const std::string> packed, const ReplicaId& self, Known* known,
                       std::size_t whole_from) {
    if (packed.empty()) return {};
    RunWriter w(self, known, whole_from);
    for (const auto& p : packed) w.add(p);
    auto out = w.finish(packed.size());
    // What does not come back as it was is not sent like this.
    std::size_t back = 0;
    const bool fits = RunReader(out, self, known).read([&](std::string&&) { ++back; });
    if (fits && back == packed.size()) return out;
    out.clear();
    Writer plain(out);
    plain.varint(packed.size());
    for (const auto& p : packed) {
        plain.u8(kPacked);
        plain.str(p);
    }
    plain.raw(Memory(self).proof());
    return out;
}

Result<> read_runs(std::string_view bytes, const ReplicaId& self, std::vector<std::string>& packed, Known* known) {
    packed.clear();
    if (bytes.empty()) return {};
    RunReader reader(bytes, self, known);
    if (reader.read([&](std::string&& p) { packed.push_back(std::move(p)); })) return {};
    packed.clear();
    if (reader.lacks())
        return fail(Errc::not_found, "消息提到本机没有的记录 / message: it builds on commits that are not here");
    return fail(Errc::protocol, "消息里的记录已损坏 / message: its commits are damaged");
}

}  // namespace taizhang::wire
