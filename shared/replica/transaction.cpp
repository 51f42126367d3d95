// One transaction at a time: a batch, an attempt inside one, a group of them; what is forgotten when it fails, and
// which rows it wrote.
#include "replica/impl.h"

namespace taizhang {

Result<> Replica::Impl::batch(const std::function<Result<>()>& work, Durability durability) {
    if (depth > 0) return work();
    if (together == Group::failed) return fail(Errc::busy, "与它一起写入的没有成功 / what was written together failed");
    if (must_read_back) TRY_VOID(read_back());
    const auto changes_before = db->total_changes();
    if (together == Group::none) TRY_VOID(db->begin(durability));
    depth = 1;
    auto guarded = [&]() -> Result<> {
        TRY_VOID(work());
        TRY_VOID(flush());
        // What just came may be what others waited for.
        TRY_VOID(retry_waiting());
        TRY_VOID(sign_own());
        return together == Group::none ? commit() : Result<>();
    };
    Result<> r;
    try {
        r = guarded();
    } catch (...) {
        depth = 0;
        forget_transaction();
        throw;
    }
    depth = 0;
    if (!r) {
        // Most that is refused is refused before it writes: the others of its group need not know.
        const bool has_written = control_changed || unwritten || db->total_changes() != changes_before || db->broken();
        if (together == Group::none || has_written)
            forget_transaction();
        else
            forget_changes();
    }
    arrived.clear();
    past_arrived = false;
    proved.clear();
    return r;
}

Result<> Replica::Impl::commit() {
    TRY_VOID(db->commit());
    control_changed = false;
    // The transaction is on the disk whatever becomes of the copying.
    if (auto copied_out = db->checkpoint_if_large(); !copied_out && db->broken()) return copied_out;
    return {};
}

bool Replica::has_group_failed() const { return impl_->together == Impl::Group::failed; }

Result<> Replica::group(const std::function<void()>& work) {
    auto& m = *impl_;
    if (m.depth > 0 || m.together != Impl::Group::none) return fail(Errc::internal, "group: inside another one");
    TRY_VOID(m.db->begin());
    m.together = Impl::Group::open;
    bool has_failed = false;
    Result<> done;
    try {
        work();
        has_failed = m.together == Impl::Group::failed;
        m.together = Impl::Group::none;
        if (!has_failed) done = m.commit();
    } catch (...) {
        m.together = Impl::Group::none;
        m.forget_transaction();
        throw;
    }
    if (has_failed) return fail(Errc::busy, "与它一起写入的没有成功 / what was written together failed");
    if (!done) m.forget_transaction();
    return done;
}

void Replica::Impl::forget_loaded() {
    cache.clear();
    cache_index.clear();
    cache_bytes = 0;
}

/// Work inside a transaction that may fail by itself: then nothing of it happened, and the transaction goes on.
Result<> Replica::Impl::attempt(const std::function<Result<>()>& work) {
    return batch([&]() -> Result<> {
        TRY_VOID(flush());
        TRY_VOID(db->exec("SAVEPOINT attempt"));
        auto done = work();
        if (done) done = flush();
        if (done) return db->exec("RELEASE attempt");
        TRY_VOID(db->exec("ROLLBACK TO attempt; RELEASE attempt"));
        forget_changes();
        TRY_VOID(load_numbers());
        return done;
    });
}

void Replica::Impl::forget_changes() {
    packing.drop();  // it reads from `arena`
    stop_reading();
    unwritten.reset();
    touched_index.clear();
    touched.clear();
    touched_count = 0;
    arena.clear();
    arena_bytes = 0;
    forget_loaded();
    version_cache.fill({});
}

/// Nothing of the transaction happened: what memory knows must be what the disk says. Without memory for it, or from a
/// broken database, it is read when somebody writes next.
void Replica::Impl::forget_transaction() {
    if (together == Group::open) together = Group::failed;
    must_read_back = true;
    db->rollback();
    forget_changes();
    arrived.clear();
    past_arrived = false;
    to_sign.clear();
    proved.clear();
    (void)read_back();
}

Result<> Replica::Impl::read_back() {
    TRY_VOID(read_name());
    if (control_changed) TRY_VOID(load_control());
    control_changed = false;
    TRY_VOID(load_numbers());
    must_read_back = false;
    return {};
}

namespace {

constexpr std::size_t kWrittenMax = 100'000;  // rows that are noted; beyond that reading all anew costs no more

}  // namespace

void Replica::Impl::note_written(const RowTable& table, std::string_view id) {
    if (!is_watched || written.all) return;
    if (written_count >= kWrittenMax) {
        written = {true, {}};
        return;
    }
    if (written.rows[table.binding().name].emplace(id).second) ++written_count;
}

void Replica::watch_rows() {
    impl_->is_watched = true;
    (void)take_written();
}

Replica::Written Replica::take_written() {
    impl_->written_count = 0;
    return std::exchange(impl_->written, {});
}

Result<> Replica::batch(const std::function<Result<>()>& work, Durability durability) {
    return impl_->batch(work, durability);
}

}  // namespace taizhang
