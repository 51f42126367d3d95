// Commits from elsewhere, on their way to admit(): unpacked and decoded a few hundred at a time, so that the rows they
// build on are read in the order of their tables.
#include "replica/impl.h"

#include <algorithm>
#include <tuple>

namespace taizhang {
namespace {

// Commits that are looked at together before the first of them is admitted. Higher: rows are read in better order;
// lower: less memory (the tables of a decoded commit are as large as its bytes).
constexpr std::size_t kAheadBytes = 256u << 10, kAheadCommits = 256, kAheadRowsMin = 32;

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

/// Unpacks and decodes the next commits into `ahead`, as many as are looked at together; `why` says what is wrong with
/// the one after them.
void Replica::Impl::decode_ahead(std::span<const std::string_view> packed, std::vector<Commit>& ahead,
                                 std::vector<std::string_view>& bodies, std::string& why) {
    std::size_t bytes = 0;
    bodies.clear();
    while (bodies.size() < packed.size() && bodies.size() < kAheadCommits && bytes < kAheadBytes) {
        if (ahead.size() == bodies.size()) ahead.emplace_back();
        arena.emplace_back();
        auto& body = arena.back();
        auto ok = packer.unpack(packed[bodies.size()], body);
        if (ok) ok = ahead[bodies.size()].decode(body, Commit::Text::unchecked, options.knows.commit_format);
        if (!ok) {
            why = ok.error().detail;
            break;
        }
        bytes += body.size();
        bodies.push_back(body);
    }
    arena_bytes += bytes;
}

Result<std::vector<Replica::Received>> Replica::receive(std::span<const std::string_view> packed, Origin origin) {
    auto& m = *impl_;
    std::vector<Received> out;
    auto work = [&]() -> Result<> {
        std::vector<Commit> ahead;
        std::vector<std::string_view> bodies;
        std::string repacked, why;
        while (out.size() < packed.size() && why.empty()) {
            if (m.touched_count > kTouchedMax || m.arena_bytes > kArenaMax) TRY_VOID(m.flush());
            const auto rest = packed.subspan(out.size());
            m.decode_ahead(rest, ahead, bodies, why);
            TRY_VOID(m.look_ahead(std::span(ahead).first(bodies.size())));
            for (std::size_t i = 0; i < bodies.size(); ++i) {
                const auto& c = ahead[i];
                // A message unfolds to raw bytes; what is stored is packed.
                std::string_view body = rest[i];
                if (body[0] == Packer::kRaw) {
                    m.packer.pack(bodies[i], repacked);
                    body = repacked;
                }
                TRY(auto a, m.admit(body, c, origin));
                out.push_back({a.admission, std::move(a.why), c.header, c.hash});
                if (a.admission == Admission::broken) return {};
            }
        }
        if (!why.empty()) out.push_back({Admission::broken, std::move(why), {}, {}});
        return {};
    };
    TRY_VOID(m.batch(work));
    return out;
}

}  // namespace taizhang
