// Commits that wait: why, and what ends it.
//
// A commit waits whole, in the log, for a control position, its author's certificate, a newer program, a base, or the
// past of a row that was dropped here. What each waits for is in memory too, so that a transaction finds those that it
// helps without reading the others: ten thousand commits that wait for a newer program cost the next edit nothing but a
// glance at each.
#include "base/id_from.h"
#include "replica/impl.h"

#include <algorithm>

namespace taizhang {
namespace {

constexpr std::string_view kReasons[] = {"control", "certificate", "program", "base", "history"};

}  // namespace

std::string_view name_of(Wait::Reason reason) { return kReasons[static_cast<std::size_t>(reason)]; }

Wait Wait::parse(std::string_view reason, std::string_view what) {
    Wait w;
    w.what = std::string(what);
    for (std::size_t i = 0; i < std::size(kReasons); ++i)
        if (kReasons[i] == reason) w.reason = static_cast<Reason>(i);
    switch (w.reason) {
        case Reason::control: w.control = ControlPos{std::strtoull(w.what.c_str(), nullptr, 10)}; break;
        case Reason::certificate: w.author = id_from<ReplicaId>(from_hex(what)); break;
        case Reason::base: w.base = id_from<VersionId>(from_hex(what.substr(what.rfind(' ') + 1))); break;
        case Reason::program:
        case Reason::history: break;
    }
    return w;
}

/// Notes it, or notes that it now waits for something else.
Result<> Replica::Impl::wait_for(std::uint64_t lsn, const Wait& wait) {
    const auto before = in_wait.find(lsn);
    if (before != in_wait.end()) {
        if (before->second.reason == wait.reason && before->second.what == wait.what) return {};
        --waits_for[static_cast<std::size_t>(before->second.reason)];
    }
    wait_set.bind(1, lsn).bind(2, name_of(wait.reason)).bind(3, std::string_view(wait.what));
    TRY_VOID(wait_set.run());
    ++waits_for[static_cast<std::size_t>(wait.reason)];
    in_wait.insert_or_assign(lsn, wait);
    return {};
}

bool Replica::Impl::may_be_ready(const Wait& w) const {
    switch (w.reason) {
        case Wait::Reason::control: return w.control <= control.head();
        case Wait::Reason::certificate: return control.cert(w.author) != nullptr;
        case Wait::Reason::program: return false;  // it comes with a new start: meet_program()
        case Wait::Reason::base: return past_arrived || w.what.empty() || arrived.contains(w.base);
        case Wait::Reason::history: return true;
    }
    return true;
}

/// Commits that waited and whose causes have come since; until nothing more moves.
Result<> Replica::Impl::retry_waiting() {
    for (bool moved = !in_wait.empty(); moved;) {
        moved = false;
        std::vector<std::uint64_t> due;
        for (const auto& [lsn, wait] : in_wait)
            if (may_be_ready(wait)) due.push_back(lsn);
        for (const auto lsn : due) {
            TRY(const bool applied, retry(lsn));
            moved = moved || applied;
        }
        TRY_VOID(flush());
    }
    return {};
}

Result<bool> Replica::Impl::retry(std::uint64_t lsn) {
    // Rows point into the commit's bytes until they are flushed: a copy of its own.
    Loaded own;
    {
        Loaded* l = nullptr;
        TRY_VOID(load_commit(lsn, l));
        own.bytes = l->bytes;
    }
    arena.push_back(std::move(own.bytes));
    arena_bytes += arena.back().size();
    TRY_VOID(own.commit.decode(arena.back(), Commit::Text::checked, options.knows.commit_format));
    TRY(const int stream, stream_no(own.commit.header.stream));
    auto maps = name_maps(own.commit);
    Wait wait;
    std::string prev;
    TRY(const bool is_ready, ready(own.commit, stream, maps, wait));
    if (!is_ready) {
        TRY_VOID(wait_for(lsn, wait));
        return false;
    }
    TRY_VOID(apply_rows(own.commit, stream, lsn, maps, prev));
    log_set_prev.bind(1, lsn).bind_blob(2, prev);
    TRY_VOID(log_set_prev.run());
    if (const auto it = in_wait.find(lsn); it != in_wait.end()) {
        wait_delete.bind(1, lsn);
        TRY_VOID(wait_delete.run());
        --waits_for[static_cast<std::size_t>(it->second.reason)];
        in_wait.erase(it);
    }
    return true;
}

// ------------------------------------------------------------------ programs of different ages

namespace {

constexpr const char* kProgram = "program";  // what the newest program knew that wrote here

std::string text_of(const Knows& k) {
    return "commit " + std::to_string(k.commit_format) + " catalog " + std::to_string(k.catalog_level);
}

/// Programs from before this fact knew the first of each.
Knows knows_from(const std::string& text) {
    Knows k{1, 1};
    unsigned format = 0, level = 0;
    if (std::sscanf(text.c_str(), "commit %u catalog %u", &format, &level) == 2)
        k = {static_cast<std::uint8_t>(format), level};
    return k;
}

}  // namespace

/// What an older program could not read waits in the log; a newer one folds it when it first opens the database. What a
/// newer one folded an older one would misread: it leaves the database alone.
Result<> Replica::Impl::meet_program() {
    TRY(const auto known, fact(kProgram));
    if (known == text_of(options.knows)) return {};
    const auto before = knows_from(known);
    const bool is_new = known.empty() && head_lsn == 0;
    const bool knew_more =
        before.commit_format > options.knows.commit_format || before.catalog_level > options.knows.catalog_level;
    if (!is_new && knew_more)
        return fail(Errc::foreign_data, "数据由更新的程序写过(" + known +
                                            "),请升级本程序;数据没有动 / written by a newer program (" + known +
                                            "): upgrade this one; nothing was touched");
    return batch([&]() -> Result<> {
        std::vector<std::uint64_t> hidden;
        for (const auto& [lsn, wait] : in_wait)
            if (wait.reason == Wait::Reason::program) hidden.push_back(lsn);
        for (const auto lsn : hidden) {
            TRY_VOID(retry(lsn));
            TRY_VOID(make_room());
        }
        return set_fact(kProgram, text_of(options.knows));
    });
}

// ------------------------------------------------------------------ reading

Result<std::vector<WaitingCommit>> Replica::waiting() {
    std::vector<WaitingCommit> out;
    if (impl_->in_wait.empty()) return out;
    TRY(auto s, impl_->db->prepare("SELECT l.stream, l.replica, l.seq, l.hash, w.reason, w.what FROM waiting w JOIN "
                                   "log l USING(lsn) ORDER BY w.lsn",
                                   false));
    for (;;) {
        TRY(const bool row, s.step());
        if (!row) return out;
        WaitingCommit w;
        w.id.stream = impl_->stream_ids[static_cast<int>(s.integer(0))];
        w.id.replica = impl_->replica_ids[static_cast<int>(s.integer(1))];
        w.id.seq = Seq{s.unsigned_integer(2)};
        w.id.hash = id_from<Hash>(s.blob(3));
        w.reason = std::string(s.text(4));
        w.what = std::string(s.text(5));
        out.push_back(std::move(w));
    }
}

std::size_t Replica::waiting_count() const { return impl_->in_wait.size(); }

std::vector<ReplicaId> Replica::wanted_certificates(std::size_t count_max) const {
    std::vector<ReplicaId> out;
    if (impl_->waits_for[static_cast<std::size_t>(Wait::Reason::certificate)] == 0) return out;
    for (const auto& [lsn, w] : impl_->in_wait) {
        if (out.size() == count_max) break;
        if (w.reason == Wait::Reason::certificate && std::find(out.begin(), out.end(), w.author) == out.end())
            out.push_back(w.author);
    }
    return out;
}

Result<std::vector<UnreadRow>> Replica::unread() {
    auto& m = *impl_;
    std::vector<UnreadRow> out;
    if (m.waits_for[static_cast<std::size_t>(Wait::Reason::program)] == 0) return out;
    for (const auto& [lsn, wait] : m.in_wait) {
        if (wait.reason != Wait::Reason::program) continue;
        Loaded* l = nullptr;
        TRY_VOID(m.load_commit(lsn, l));
        const auto& c = l->commit;
        UnreadRow row;
        row.commit = {c.header.replica, c.header.stream, c.header.seq, c.hash};
        row.what = wait.what;
        if (c.is_newer) out.push_back(row);
        for (const auto& r : c.rows) {
            row.entity = std::string(c.names[r.entity]);
            // How ids of an unknown entity are written is unknown too: text where it is text.
            const auto* known = m.control.newest(row.entity);
            const bool is_text = known ? !known->entity->uuid : r.id.size() != 16 && is_utf8(r.id);
            row.id = is_text ? std::string(r.id) : to_hex(r.id);
            out.push_back(row);
        }
    }
    return out;
}

}  // namespace taizhang
