// taizhang.cpp - our own engine: every change a commit, with base, hash chain and fold.
//
// A replica with a city of two units and one entity, as a program would hold it;
// inserts and updates are edits of one draft a transaction, what travels are packed
// commits, and a merge is an exchange of them. Conflict lines are those of the ledger.
#include "base/bytes.h"
#include "replica/replica.h"
#include "subject.h"
#include "tasks.h"
#include "tests/support/must.h"

#include <sodium.h>

#include <time.h>
#include <chrono>
#include <map>
#include <stdexcept>

namespace taizhang::bench {
namespace {

using support::must;

const StreamId kStream{"B", Audience::ledger};

std::int64_t wall_ms() {
    timespec t{};
    clock_gettime(CLOCK_REALTIME, &t);
    return std::int64_t{t.tv_sec} * 1000 + t.tv_nsec / 1'000'000;
}

class Taizhang final : public Subject {
public:
    std::string_view name() const override { return "taizhang"; }

    void open(const std::filesystem::path& dir) override {
        Environment env;
        env.wall_ms = wall_ms;
        env.steady_ms = wall_ms;
        env.worker = spare_core();
        env.random = [](std::span<std::uint8_t> out) { randombytes_buf(out.data(), out.size()); };
        Replica::Options options;
        options.path = dir / "taizhang.db";
        replica_ = must(Replica::open(options, env));
        must(replica_->batch([&]() -> Result<> {
            must(replica_->append_control("catalog", kTasksCatalog));
            for (const char* unit : kTasksUnits) must(replica_->append_control("unit", unit));
            return {};
        }));
        must(replica_->add_certificate(certificate()));
    }

    void insert(std::span<const Task> rows, std::size_t rows_per_tx) override {
        for (std::size_t from = 0; from < rows.size(); from += rows_per_tx) {
            Draft draft;
            for (const auto& t : rows.subspan(from, std::min(rows_per_tx, rows.size() - from))) {
                draft.edits.push_back(new_row(t, kStream));
            }
            must(replica_->edit(draft));
        }
    }

    void update(std::span<const Task> rows, std::span<const Update> updates, std::size_t updates_per_tx) override {
        for (std::size_t from = 0; from < updates.size(); from += updates_per_tx) {
            const auto some = updates.subspan(from, std::min(updates_per_tx, updates.size() - from));
            // One commit says one thing about a row: a second change of the same row is a second commit.
            std::vector<Draft> drafts;
            std::map<std::uint32_t, std::size_t> seen;
            for (const auto& u : some) {
                const auto nth = seen[u.row]++;
                if (nth == drafts.size()) drafts.emplace_back();
                drafts[nth].edits.push_back(changed(rows[u.row], u, kStream));
            }
            must(replica_->batch([&]() -> Result<> {
                for (const auto& d : drafts) must(replica_->edit(d));
                return {};
            }));
        }
    }

    Bytes export_changes() override {
        std::string out;
        Writer w(out);
        w.str(certificate().encode());
        append_commits(w, since_);
        return Bytes::of(std::move(out));
    }

    void apply(std::string_view changes) override {
        Reader r(changes);
        must(replica_->add_certificate(must(Certificate::decode(r.str()))));
        receive(r);
    }

    void synced() override { since_ = replica_->log_head(); }

    MergeResult merge(Subject& other_subject) override {
        auto& other = dynamic_cast<Taizhang&>(other_subject);
        const auto start = std::chrono::steady_clock::now();
        const auto ours = export_changes();
        const auto theirs = other.export_changes();
        apply(theirs.view);
        other.apply(ours.view);
        const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
        return {took.count(), must(replica_->conflicts()).size(), ours.view.size() + theirs.view.size()};
    }

    void scan(const RowSink& sink) override {
        auto s = must(replica_->database().prepare(
            "SELECT id, unit, title, status, progress, due_date, owner, note, editor FROM tasks"));
        while (must(s.step())) {
            Task t;
            std::copy_n(s.blob(0).begin(), t.id.size(), t.id.begin());
            t.unit = s.text(1);
            t.title = s.text(2);
            t.status = s.text(3);
            t.progress = s.integer(4);
            t.due_date = s.text(5);
            t.owner = s.text(6);
            t.note = s.text(7);
            t.editor = s.text(8);
            sink(t);
        }
    }

    void close() override {
        must(replica_->database().checkpoint());
        replica_.reset();
    }

private:
    Certificate certificate() const {
        Certificate c;
        c.replica = replica_->id();
        c.unit = "B";
        c.level = Level::branch;
        c.control = replica_->control().head();
        c.issuer = "C";
        return c;
    }

    void append_commits(Writer& w, Lsn after) {
        Lsn through = after;
        do {
            const auto entries = must(replica_->log_after(through, std::span(&kStream, 1), 1 << 20, through));
            for (const auto& e : entries) w.str(e.packed);
        } while (through < replica_->log_head());
    }

    /// A megabyte at a time, all in one transaction, as a bundle is taken.
    void receive(Reader& r) {
        must(replica_->batch([&]() -> Result<> {
            receive_all(r);
            return {};
        }));
    }

    void receive_all(Reader& r) {
        std::vector<std::string_view> packed;
        std::size_t bytes = 0;
        auto flush = [&] {
            if (!packed.empty())
                for (const auto& x : must(replica_->receive(packed, Origin::below)))
                    if (x.admission == Admission::gap || x.admission == Admission::broken)
                        throw std::runtime_error("taizhang: " + x.why);
            packed.clear();
            bytes = 0;
        };
        while (r.ok() && r.remaining() > 0) {
            packed.push_back(r.str());
            bytes += packed.back().size();
            if (bytes > (1 << 20)) flush();
        }
        flush();
        if (!r.ok()) throw std::runtime_error("taizhang: cut-off commits");
    }

    std::unique_ptr<Replica> replica_;
    Lsn since_;
};

}  // namespace

std::unique_ptr<Subject> make_taizhang() { return std::make_unique<Taizhang>(); }

namespace {
bool has_spare_core = true;
}
std::shared_ptr<Worker> spare_core() { return has_spare_core ? make_worker_thread() : nullptr; }
void use_one_core() { has_spare_core = false; }

}  // namespace taizhang::bench
