// Every call to the file system fails, once and from then on; so does every allocation of SQLite's.
#include "tests/proof/allocations.h"
#include "tests/proof/examine.h"

#include <sqlite3.h>

#include <array>

namespace taizhang::proof {
namespace {

using support::SimDisk;
using Op = SimDisk::Op;
using Repeat = SimDisk::Repeat;
using Step = Session::Step;

struct FaultKind {
    Op op;
    int error;
};
/// What a disk says; a full one last.
constexpr std::array kFaultKinds{FaultKind{Op::open, SQLITE_CANTOPEN},
                                 FaultKind{Op::read, SQLITE_IOERR_READ},
                                 FaultKind{Op::write, SQLITE_IOERR_WRITE},
                                 FaultKind{Op::sync, SQLITE_IOERR_FSYNC},
                                 FaultKind{Op::truncate, SQLITE_IOERR_TRUNCATE},
                                 FaultKind{Op::remove, SQLITE_IOERR_DELETE},
                                 FaultKind{Op::look, SQLITE_IOERR_FSTAT},
                                 FaultKind{Op::lock, SQLITE_IOERR_LOCK},
                                 FaultKind{Op::write, SQLITE_FULL}};

class DiskFaults final : public Proof {
public:
    explicit DiskFaults(std::uint64_t seed) : seed_(seed) { watch_sqlite(); }

    /// One step of the canonical session after the other, then again with other coins.
    void step(std::uint64_t number, Counts& counts) override {
        const auto steps = Session::canonical();
        const auto at = 1 + number % (steps.size() - 1);
        const auto seed = reference::mix(seed_ * 1'000'003 + number / (steps.size() - 1)) >> 16;
        Session before(seed);
        for (std::size_t i = 0; i < at; ++i) before.run(steps[i]);
        Sweep sweep{before.state(), steps[at], Examiner(seed * 31), counts, seed};
        const auto where = std::string("at ") + Session::name_of(steps[at]) + ", step " + std::to_string(at);
        for (const auto who : {Who::device, Who::hub}) run(sweep, who, where);
    }

private:
    struct Sweep {
        Session::State state;
        Step step;
        Examiner examiner;
        Counts& counts;
        std::uint64_t seed;
    };

    static void run(Sweep& sweep, Who who, const std::string& where) {
        std::array<std::uint64_t, kFaultKinds.size()> calls{};
        std::uint64_t allocations = 0;
        {
            Session s(sweep.state, sweep.seed);
            std::array<std::uint64_t, kFaultKinds.size()> first{};
            for (std::size_t i = 0; i < kFaultKinds.size(); ++i) first[i] = s.disk(who).calls(kFaultKinds[i].op);
            of_sqlite.count();
            s.run(sweep.step);
            of_sqlite.stop();
            allocations = of_sqlite.counted();
            for (std::size_t i = 0; i < kFaultKinds.size(); ++i)
                calls[i] = s.disk(who).calls(kFaultKinds[i].op) - first[i];
        }
        const auto told = [&](const std::string& what, const Failure& e) {
            return Failure(where + ", " + (who == Who::hub ? "the hub's " : "the device's ") + what + ": " + e.what());
        };
        for (std::size_t i = 0; i < kFaultKinds.size(); ++i)
            for (std::uint64_t nth = 1; nth <= calls[i]; ++nth)
                for (const auto repeat : {Repeat::once, Repeat::forever}) try {
                        Session s(sweep.state, sweep.seed);
                        s.disk(who).fail(kFaultKinds[i].op, nth, repeat, kFaultKinds[i].error);
                        one_fault(sweep, s, who, kFaultKinds[i].op == Op::sync);
                        ++sweep.counts[kFaultKinds[i].error == SQLITE_FULL ? "full_disks" : "failed_calls"];
                    } catch (const Failure& e) {
                        throw told("call " + std::to_string(nth) + " of kind " + std::to_string(i), e);
                    }
        if (who == Who::hub) return;
        // Both programs share one SQLite here: a sample, and in turns.
        for (std::uint64_t nth = 1 + sweep.seed % 7; nth <= allocations; nth += 7) try {
                Session s(sweep.state, sweep.seed);
                of_sqlite.fail(nth, nth % 2 == 0);
                one_fault(sweep, s, who, false);
                ++sweep.counts["failed_allocations"];
            } catch (const Failure& e) {
                of_sqlite.stop();
                throw told("allocation " + std::to_string(nth), e);
            }
    }

    /// The step meets the fault. Whatever it says: what was said to be saved is there, and all is whole.
    static void one_fault(Sweep& sweep, Session& s, Who who, bool is_sync) {
        std::string said;
        try {
            s.run(sweep.step);
        } catch (const std::exception& e) {
            said = e.what();
        }
        of_sqlite.stop();
        auto& disk = s.disk(who);
        disk.clear_faults();
        ++sweep.counts[said.empty() ? "went_on" : "said_so"];
        if (!said.empty() && said.find(" / ") == std::string::npos) throw Failure("a person cannot read: " + said);
        SimDisk after(sweep.seed);
        // What a failed sync left in the cache is gone with the power; without one, whatever the disk showed stays.
        after.become_cut_of(disk, is_sync ? SimDisk::Keep::nothing : SimDisk::Keep::everything, sweep.seed);
        sweep.examiner.examine(s, who, after, s.promises(who), sweep.counts);
        after.become_cut_of(disk, SimDisk::Keep::coin, sweep.seed);
        sweep.examiner.examine(s, who, after, s.promises(who), sweep.counts);
    }

    std::uint64_t seed_;
};

}  // namespace

std::unique_ptr<Proof> make_disk_faults(std::uint64_t seed) { return std::make_unique<DiskFaults>(seed); }

}  // namespace taizhang::proof
