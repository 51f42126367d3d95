// Chains that began in a state: what of them lies in the rows has its places in the log without standing there.
//
// A row's clocks name commits by their places. A state brings tens of thousands of commits of which nothing is wanted
// but the first bytes of their hashes; an entry of the log for each would cost more than the rows. So a chain's commits
// up to the floor take the places first_lsn, first_lsn + 1, …, and one that arrives later, because a row needs its
// past, is written at its place.
#include "replica/impl.h"
#include "replica/snapshot.h"

#include <cstring>

namespace taizhang {
namespace {

// Marks that are kept in memory once they were read. Higher: more memory on a township's PC; lower: they are read
// again.
constexpr std::size_t kMarksInMemory = 2u << 20;

}  // namespace

Result<> Replica::Impl::load_floors() {
    forget_floors();
    TRY(auto s, db->prepare("SELECT stream, replica, seq, first_lsn FROM floor", false));
    for (;;) {
        TRY(const bool row, s.step());
        if (!row) return {};
        const auto chain = chain_key(static_cast<int>(s.integer(0)), static_cast<int>(s.integer(1)));
        const Floor floor{Seq{s.unsigned_integer(2)}, s.unsigned_integer(3)};
        floors[chain] = floor;
        if (floor.first_lsn != 0) floor_places[floor.first_lsn] = chain;
    }
}

void Replica::Impl::forget_floors() {
    floors.clear();
    floor_places.clear();
    floor_marks.clear();
    floor_marks_bytes = 0;
}

/// The chain begins here: with what the state says of each commit up to the tip, kVersionBytes of its hash.
Result<> Replica::Impl::begin_at(int stream, const Tip& tip, std::string_view marks) {
    TRY(const int replica, replica_no(tip.replica));
    const auto chain = chain_key(stream, replica);
    if (floors.contains(chain) || tip.seq.value == 0 || marks.size() != tip.seq.value * snapshot::kVersionBytes)
        return fail(Errc::protocol, "服务器发来的状态有误 / the hub's state makes no sense");
    const Floor floor{tip.seq, head_lsn + 1};
    head_lsn += tip.seq.value;
    TRY(auto s,
        db->prepare("INSERT INTO floor(stream, replica, seq, hash, marks, first_lsn) VALUES(?1, ?2, ?3, ?4, ?5, "
                    "?6)",
                    false));
    s.bind(1, stream).bind(2, replica).bind(3, tip.seq.value).bind_blob(4, taizhang::view(tip.hash.bytes));
    s.bind_blob(5, marks).bind(6, floor.first_lsn);
    TRY_VOID(s.run());
    floors[chain] = floor;
    floor_places[floor.first_lsn] = chain;
    // What follows the chain finds its predecessor in the log.
    TRY_VOID(insert_stub(stream, replica, tip.seq, tip.hash));
    return {};
}

/// Of each commit up to the floor, in order: kVersionBytes, or kMarkBytes where an older program began.
Result<std::string_view> Replica::Impl::marks_to_floor(std::uint64_t chain) {
    if (const auto known = floor_marks.find(chain); known != floor_marks.end()) return std::string_view(known->second);
    TRY(auto s, db->prepare("SELECT marks FROM floor WHERE stream = ?1 AND replica = ?2", false));
    s.bind(1, static_cast<std::int64_t>(chain >> 32)).bind(2, static_cast<std::int64_t>(chain & 0xffffffffu));
    TRY(const bool row, s.step());
    if (!row) return std::string_view();
    if (floor_marks_bytes > kMarksInMemory) {
        floor_marks.clear();
        floor_marks_bytes = 0;
    }
    auto& marks = floor_marks[chain];
    marks = s.blob(0);
    floor_marks_bytes += marks.size();
    return std::string_view(marks);
}

/// Whether a commit is among those that this chain began with.
Result<bool> Replica::Impl::below_floor(int stream, int replica, Seq seq, const Hash& hash) {
    const auto chain = chain_key(stream, replica);
    const auto floor = floors.find(chain);
    if (floor == floors.end() || seq > floor->second.seq || seq.value == 0) return false;
    TRY(const auto marks, marks_to_floor(chain));
    const auto width = marks.size() / floor->second.seq.value;
    if (width < snapshot::kMarkBytes) return fail(Errc::corrupt, "日志的起点已损坏 / log: a damaged floor");
    return marks.substr((seq.value - 1) * width, snapshot::kMarkBytes) ==
           taizhang::view(hash.bytes).substr(0, snapshot::kMarkBytes);
}

/// The place of a commit that this chain began with; 0: it has none.
std::uint64_t Replica::Impl::lsn_below_floor(int stream, int replica, Seq seq) const {
    const auto floor = floors.find(chain_key(stream, replica));
    if (floor == floors.end() || floor->second.first_lsn == 0 || seq > floor->second.seq || seq.value == 0) return 0;
    return floor->second.first_lsn + seq.value - 1;
}

/// Nothing: no chain that began in a state has that place.
Result<std::optional<VersionId>> Replica::Impl::version_below_floor(std::uint64_t lsn) {
    auto place = floor_places.upper_bound(lsn);
    if (place == floor_places.begin()) return std::optional<VersionId>();
    --place;
    const auto index = lsn - place->first;
    if (index >= floors[place->second].seq.value) return std::optional<VersionId>();
    TRY(const auto marks, marks_to_floor(place->second));
    VersionId v;
    static_assert(sizeof v.bytes == snapshot::kVersionBytes);
    if (marks.size() < (index + 1) * sizeof v.bytes) return std::optional<VersionId>();
    std::memcpy(v.bytes.data(), marks.data() + index * sizeof v.bytes, sizeof v.bytes);
    return std::optional(v);
}

}  // namespace taizhang
