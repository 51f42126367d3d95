// Commits from elsewhere, on their way to admit(): unpacked and decoded a few hundred at a time, so that the rows they
// build on are read in the order of their tables; the next ones on another core while these are admitted.
#include "replica/impl.h"

#include <algorithm>
#include <mutex>
#include <tuple>

namespace taizhang {
namespace {

// Commits that are looked at together before the first of them is admitted. Higher: rows are read in better order;
// lower: less memory (the tables of a decoded commit are as large as its bytes).
constexpr std::size_t kAheadPacked = 48u << 10, kAheadCommits = 256, kAheadRowsMin = 32;
// What they may unfold to: no more than so much and one commit of each core. Ordinary ones stay far below.
constexpr std::size_t kAheadBytes = 256u << 10;
/// Commits that are looked at together. Needs nothing of the replica. Two cores may fill it at once: one takes the next
/// from the front, the other from the back, until nothing lies between them.
class Portion {
public:
    /// Some of these; `texts` will hold what the others point into.
    void plan(std::span<const std::string_view> from);
    bool is_large() const { return packed_bytes_ >= kUnpackApartMin; }
    enum class End : std::uint8_t { front, back };
    void fill(End end, Packer& packer, std::uint8_t knows);
    /// After the last fill().
    void close();

    std::size_t size = 0;                  ///< so many of `commits`, from the first, are to be admitted
    std::vector<Commit> commits;           ///< kept from one filling to the next: decoding allocates nothing
    std::vector<std::string_view> packed;  ///< as the log will hold them
    std::list<std::string> texts;          ///< of each commit its bytes, and packed what came unpacked
    std::size_t bytes = 0;
    std::string why;  ///< what is wrong with the one after them

private:
    struct Place {
        std::list<std::string>::iterator body, pack;
        Result<> done;
        bool is_filled = false;
    };
    bool take(End end, std::size_t& i);
    Result<> fill_one(std::size_t i, Packer& packer, std::uint8_t knows);

    std::vector<Place> places_;
    std::size_t packed_bytes_ = 0;
    std::mutex mutex_;  // of what follows, and of `bytes`
    std::size_t front_ = 0, back_ = 0;
};

void Portion::plan(std::span<const std::string_view> from) {
    packed.clear();
    texts.clear();
    places_.clear();
    why.clear();
    size = bytes = packed_bytes_ = front_ = 0;
    while (packed.size() < from.size() && packed.size() < kAheadCommits && packed_bytes_ < kAheadPacked) {
        packed.push_back(from[packed.size()]);
        packed_bytes_ += packed.back().size();
        places_.push_back({texts.emplace(texts.end()), texts.emplace(texts.end()), {}, false});
    }
    back_ = packed.size();
    if (commits.size() < packed.size()) commits.resize(packed.size());
}

/// False: all are taken, or what they unfolded to is enough. The first one always is.
bool Portion::take(End end, std::size_t& i) {
    const std::lock_guard lock(mutex_);
    const bool is_enough = bytes >= kAheadBytes && (end == End::back || front_ > 0);
    if (front_ == back_ || is_enough) return false;
    i = end == End::front ? front_++ : --back_;
    return true;
}

void Portion::fill(End end, Packer& packer, std::uint8_t knows) {
    for (std::size_t i = 0; take(end, i);) {
        auto& place = places_[i];
        place.done = fill_one(i, packer, knows);
        place.is_filled = true;
        const std::lock_guard lock(mutex_);
        bytes += place.body->size();
    }
}

Result<> Portion::fill_one(std::size_t i, Packer& packer, std::uint8_t knows) {
    auto& place = places_[i];
    auto& body = *place.body;
    TRY_VOID(packer.unpack(packed[i], body));
    TRY_VOID(commits[i].decode(body, Commit::Text::unchecked, knows));
    if (packed[i][0] != Packer::kRaw || body.size() < kPackMin) return {};
    packer.pack(body, *place.pack);  // a message unfolds to raw bytes
    packed[i] = *place.pack;
    return {};
}

void Portion::close() {
    while (size < places_.size() && places_[size].is_filled && places_[size].done) ++size;
    if (size < places_.size() && places_[size].is_filled) why = places_[size].done.error().detail;
}

}  // namespace

/// Reads the rows that these commits build on, in the order of their table: neighbours share a page, which is then read
/// once and not once for each of them. What it brings in would be read one by one otherwise; nothing else follows.
Result<> Replica::Impl::look_ahead(std::span<const Commit> commits) {
    struct Place {
        RowTable* table;
        int stream;
        std::string_view id;
    };
    std::vector<Place> wanted;
    for (const auto& c : commits) {
        const auto stream = stream_nos.find(c.header.stream);
        if (stream == stream_nos.end() || c.bases.empty()) continue;
        const EntityVersion* version = nullptr;
        const RowRec* before = nullptr;
        for (const auto& row : c.rows) {
            const auto parts = c.parts_of(row);
            if (std::none_of(parts.begin(), parts.end(), [](const auto& p) { return p.base_count > 0; })) continue;
            if (!before || before->entity != row.entity)
                version = control.entity(c.names[row.entity], c.header.catalog, c.header.control);
            before = &row;
            if (!version || !is_row_id(*version->entity, row.id)) continue;
            auto* t = table(version->binding->number);
            if (!find_touched(*t, stream->second, row.id)) wanted.push_back({t, stream->second, row.id});
        }
    }
    if (wanted.size() < kAheadRowsMin) return {};
    std::sort(wanted.begin(), wanted.end(), [](const Place& x, const Place& y) {
        return std::tie(x.table, x.id, x.stream) < std::tie(y.table, y.id, y.stream);
    });
    for (const auto& p : wanted) TRY_VOID(touch(*p.table, p.stream, p.id, false));
    return {};
}

Result<std::vector<Replica::Received>> Replica::receive(std::span<const std::string_view> packed, Origin origin) {
    auto& m = *impl_;
    std::vector<Received> out;
    const auto knows = m.options.knows.commit_format;
    auto work = [&]() -> Result<> {
        Portion one, other;
        auto *now = &one, *next = &other;
        Task filling(m.env.worker.get());
        const auto begin = [&](std::span<const std::string_view> rest) {
            next->plan(rest);
            filling.begin([next, &m, knows] { next->fill(Portion::End::front, m.filling_packer, knows); },
                          next->is_large());
        };
        begin(packed);
        while (out.size() < packed.size()) {
            next->fill(Portion::End::back, m.packer, knows);  // rather than wait
            filling.wait();
            next->close();
            std::swap(now, next);
            const auto rest = packed.subspan(out.size() + now->size);
            if (!rest.empty() && now->why.empty()) begin(rest);
            TRY_VOID(m.make_room());
            m.arena.splice(m.arena.end(), now->texts);
            m.arena_bytes += now->bytes;
            const auto commits = std::span(now->commits).first(now->size);
            TRY_VOID(m.look_ahead(commits));
            for (std::size_t i = 0; i < now->size; ++i) {
                const auto& c = commits[i];
                TRY(auto a, m.admit(now->packed[i], c, origin));
                out.push_back({a.admission, std::move(a.why), c.header, c.hash});
                if (a.admission == Admission::broken) return {};
            }
            if (now->why.empty()) continue;
            out.push_back({Admission::broken, std::move(now->why), {}, {}});
            return {};
        }
        return {};
    };
    TRY_VOID(m.batch(work));
    return out;
}

}  // namespace taizhang
