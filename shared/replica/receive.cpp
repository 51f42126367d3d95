// Commits from elsewhere, on their way to admit(): unpacked and decoded a few hundred at a time, so that the rows they
// build on are read in the order of their tables; the next ones on another core while these are admitted.
#include "replica/impl.h"

#include <algorithm>
#include <tuple>

namespace taizhang {
namespace {

// Commits that are looked at together before the first of them is admitted. Higher: rows are read in better order;
// lower: less memory (the tables of a decoded commit are as large as its bytes).
constexpr std::size_t kAheadBytes = 128u << 10, kAheadCommits = 256, kAheadRowsMin = 32;

/// Commits that are looked at together. Needs nothing of the replica.
struct Portion {
    std::size_t size = 0;                  ///< so many of `commits` are of these
    std::vector<Commit> commits;           ///< kept from one filling to the next: decoding allocates nothing
    std::vector<std::string_view> packed;  ///< as the log will hold them
    std::list<std::string> texts;          ///< what the others point into
    std::size_t bytes = 0;
    std::string why;  ///< what is wrong with the one after them

    void fill(std::span<const std::string_view> from, Packer& packer, std::uint8_t knows);
};

void Portion::fill(std::span<const std::string_view> from, Packer& packer, std::uint8_t knows) {
    size = bytes = 0;
    packed.clear();
    texts.clear();
    while (size < from.size() && size < kAheadCommits && bytes < kAheadBytes) {
        if (commits.size() == size) commits.emplace_back();
        auto& body = texts.emplace_back();
        auto ok = packer.unpack(from[size], body);
        if (ok) ok = commits[size].decode(body, Commit::Text::unchecked, knows);
        if (!ok) {
            why = ok.error().detail;
            return;
        }
        bytes += body.size();
        packed.push_back(from[size++]);
        if (packed.back()[0] != Packer::kRaw || body.size() < kPackMin) continue;
        packer.pack(body, texts.emplace_back());  // a message unfolds to raw bytes
        packed.back() = texts.back();
    }
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
            if (version && is_row_id(*version->entity, row.id))
                wanted.push_back({table(version->binding->number), stream->second, row.id});
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
        Portion now, next;
        Task filling(m.env.worker.get());
        next.fill(packed, m.packer, knows);
        while (out.size() < packed.size()) {
            filling.wait();
            std::swap(now, next);
            const auto rest = packed.subspan(out.size() + now.size);
            if (!rest.empty() && now.why.empty())
                filling.begin([&next, &m, rest, knows] { next.fill(rest, m.filling_packer, knows); });
            if (m.touched_count > kTouchedMax || m.arena_bytes > kArenaMax) TRY_VOID(m.flush());
            m.arena.splice(m.arena.end(), now.texts);
            m.arena_bytes += now.bytes;
            const auto commits = std::span(now.commits).first(now.size);
            TRY_VOID(m.look_ahead(commits));
            for (std::size_t i = 0; i < now.size; ++i) {
                const auto& c = commits[i];
                TRY(auto a, m.admit(now.packed[i], c, origin));
                out.push_back({a.admission, std::move(a.why), c.header, c.hash});
                if (a.admission == Admission::broken) return {};
            }
            if (now.why.empty()) continue;
            out.push_back({Admission::broken, std::move(now.why), {}, {}});
            return {};
        }
        return {};
    };
    TRY_VOID(m.batch(work));
    return out;
}

}  // namespace taizhang
