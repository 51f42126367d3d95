#include "hot_paths.h"

#include "base/embedded.h"
#include "loopback.h"
#include "subject.h"
#include "tasks.h"

/// What the counter is switched on for, by name: never inlined, never renamed.
extern "C" [[gnu::noinline]] void taizhang_hot_path(const std::function<void()>& work) { work(); }

namespace taizhang::bench {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kRows = 2'000, kTransaction = 100, kSingles = 500, kSyncs = 100;

std::unique_ptr<Subject> subject_in(const fs::path& dir) {
    fs::create_directories(dir);
    auto s = make_taizhang();
    s->open(dir);
    return s;
}
std::span<const Task> rows_of(const Workload& w) { return std::span(w.rows).first(kRows); }

/// Changes of the first rows only.
std::vector<Update> updates_of(std::span<const Update> all, std::size_t count) {
    std::vector<Update> out;
    for (const auto& u : all) {
        if (out.size() == count) break;
        out.push_back(u);
        out.back().row %= kRows;
    }
    return out;
}

/// Each of another row, as those of the workload are.
std::vector<Update> conflicts_of(std::span<const Update> all, std::size_t count) {
    std::vector<Update> out(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(count));
    for (std::size_t n = 0; n < count; ++n) out[n].row = static_cast<std::uint32_t>(n * 3 % kRows);
    return out;
}

std::size_t insert(const Workload& w, const fs::path& dir) {
    const auto s = subject_in(dir);
    taizhang_hot_path([&] { s->insert(rows_of(w), kTransaction); });
    return kRows;
}

std::size_t insert_durable(const Workload& w, const fs::path& dir) {
    const auto s = subject_in(dir);
    s->insert(rows_of(w).subspan(kSingles), kTransaction);
    taizhang_hot_path([&] { s->insert_durable(rows_of(w).first(kSingles)); });
    return kSingles;
}

std::size_t update(const Workload& w, const fs::path& dir) {
    const auto s = subject_in(dir);
    s->insert(rows_of(w), kTransaction);
    const auto updates = updates_of(w.updates, kRows);
    taizhang_hot_path([&] { s->update(rows_of(w), updates, kTransaction); });
    return updates.size();
}

std::size_t apply(const Workload& w, const fs::path& dir) {
    const auto from = subject_in(dir / "from"), to = subject_in(dir / "to");
    from->insert(rows_of(w), kTransaction);
    from->update(rows_of(w), updates_of(w.updates, kRows), kTransaction);
    const auto changes = from->export_changes();
    taizhang_hot_path([&] { to->apply(changes.view); });
    return 2 * kRows;
}

std::size_t merge(const Workload& w, const fs::path& dir) {
    const auto a = subject_in(dir / "a"), b = subject_in(dir / "b");
    a->insert(rows_of(w), kTransaction);
    b->apply(a->export_changes().view);
    a->synced();
    b->synced();
    a->update(rows_of(w), conflicts_of(w.conflicts_a, kSingles), kTransaction);
    b->update(rows_of(w), conflicts_of(w.conflicts_b, kSingles), kTransaction);
    taizhang_hot_path([&] { must(a->merge(*b).seconds > 0 ? Result<>() : fail(Errc::internal, "no merge")); });
    return kSingles;
}

/// A city, and a device of it with those rows.
struct Pair {
    Pair(const Workload& w, const fs::path& dir) {
        city = city_in(dir / "city.db");
        hub = std::make_unique<sync::Hub>(must(sync::Hub::open(*city)));
        device = enrolled(dir / "device.db");
        Draft draft;
        for (const auto& t : rows_of(w)) {
            draft.edits.push_back(new_row(t, {"B", Audience::ledger}));
            if (draft.edits.size() < kTransaction) continue;
            must(device->edit(draft));
            draft.edits.clear();
        }
    }
    std::unique_ptr<Replica> enrolled(const fs::path& file) {
        auto r = replica_in(file);
        sync::Enrolment e(*r, sync::Enrolment::Begin::with_state);
        must(e.reply(must(hub->handle(must(e.request(must(hub->new_code("B")).code, "bench"))))));
        sync(*r);
        return r;
    }
    void sync(Replica& r) {
        sync::Session s(r);
        while (s.wants_more()) {
            const auto request = must(s.request());
            const auto answer = must(hub->handle(request));
            // As over a local network.
            s.measured({request.size(), answer.size(), std::chrono::milliseconds(1), std::chrono::milliseconds(2)});
            must(s.reply(answer));
        }
    }
    std::unique_ptr<Replica> city, device;
    std::unique_ptr<sync::Hub> hub;
};

std::size_t send(const Workload& w, const fs::path& dir) {
    Pair p(w, dir);
    taizhang_hot_path([&] { p.sync(*p.device); });
    return kRows;
}

std::size_t nothing_new(const Workload& w, const fs::path& dir) {
    Pair p(w, dir);
    p.sync(*p.device);
    taizhang_hot_path([&] {
        for (std::size_t i = 0; i < kSyncs; ++i) p.sync(*p.device);
    });
    return kSyncs;
}

/// A new device: from the city's state, or from the log where there is none.
std::size_t begin(const Workload& w, const fs::path& dir, bool with_state) {
    Pair p(w, dir);
    p.sync(*p.device);
    if (with_state) {
        must(p.city->note_backup(p.city->log_head()));
        must(p.city->checkpoint());
    }
    taizhang_hot_path([&] {
        const auto late = p.enrolled(dir / "late.db");
        must(late->has_dropped() == with_state ? Result<>() : fail(Errc::internal, "it began otherwise"));
    });
    return kRows;
}

}  // namespace

const std::vector<HotPath>& hot_paths() {
    static const std::vector<HotPath> all{
        {"insert", "row, 100 to a transaction", insert},
        {"insert-durable", "row, a transaction each", insert_durable},
        {"update", "change of a field, 100 to a transaction", update},
        {"apply", "change from elsewhere", apply},
        {"merge", "row changed on both sides, both sides together", merge},
        {"send", "row that goes up, device and hub together", send},
        {"nothing-new", "sync with nothing new, device and hub together", nothing_new},
        {"begin-log", "row of a new device, from the log, with its hub",
         [](const Workload& w, const fs::path& dir) { return begin(w, dir, false); }},
        {"begin-state", "row of a new device, from a state, with its hub",
         [](const Workload& w, const fs::path& dir) { return begin(w, dir, true); }},
    };
    return all;
}

}  // namespace taizhang::bench
