// Memory gives out at each allocation of a step, once and from then on: SQLite's and those of C++.
//
// A program without memory may end what it was asked for with an exception, stop its database, or go on. What was said
// to be saved is there in any case; and where the program goes on in the same process, it goes on from what is on its
// disk: another record can be written, everybody syncs, and what is in memory is what opening it anew shows.
#include "tests/proof/allocations.h"
#include "tests/proof/examine.h"

#include <cstdlib>
#include <new>

namespace taizhang::proof {
namespace {

using support::SimDisk;
using Step = Session::Step;

constexpr std::uint64_t kTriesAtOnce = 400;  // of a step's allocations; the others have their turn in other rounds

Allocations of_program;

class MemoryGivesOut final : public Proof {
public:
    explicit MemoryGivesOut(std::uint64_t seed) : seed_(seed) { watch_sqlite(); }

    /// One step of the canonical session after the other; each round other allocations of it.
    void step(std::uint64_t number, Counts& counts) override {
        const auto steps = Session::canonical();
        const auto at = 1 + number % (steps.size() - 1);
        const auto round = number / (steps.size() - 1);
        const auto seed = reference::mix(seed_) >> 16;
        Session before(seed);
        for (std::size_t i = 0; i < at; ++i) before.run(steps[i]);
        Sweep sweep{before.state(), steps[at], Examiner(seed * 31), counts, seed};
        for (auto* memory : {&of_sqlite, &of_program}) {
            const auto all = allocations(sweep, *memory);
            const auto stride = (all + kTriesAtOnce - 1) / kTriesAtOnce;
            for (std::uint64_t nth = 1 + round % std::max<std::uint64_t>(stride, 1); nth <= all; nth += stride)
                for (const bool forever : {false, true}) try {
                        one(sweep, *memory, nth, forever);
                        ++counts[memory == &of_sqlite ? "of_sqlite" : "of_cpp"];
                    } catch (const Failure& e) {
                        throw Failure(std::string("at ") + Session::name_of(steps[at]) + ", step " +
                                      std::to_string(at) + ", allocation " + std::to_string(nth) + " of " +
                                      std::to_string(all) + (memory == &of_sqlite ? " of SQLite" : " of C++") +
                                      (forever ? " and all after it: " : ": ") + e.what());
                    }
        }
    }

private:
    struct Sweep {
        Session::State state;
        Step step;
        Examiner examiner;
        Counts& counts;
        std::uint64_t seed;
    };

    static std::uint64_t allocations(Sweep& sweep, Allocations& memory) {
        Session s(sweep.state, sweep.seed);
        memory.count();
        s.run(sweep.step);
        memory.stop();
        return memory.counted();
    }

    static void one(Sweep& sweep, Allocations& memory, std::uint64_t nth, bool forever) {
        Session s(sweep.state, sweep.seed);
        bool has_said = false;
        memory.fail(nth, forever);
        try {
            s.run(sweep.step);
        } catch (const std::exception&) {
            has_said = true;
        }
        memory.stop();
        ++sweep.counts[has_said ? "said_so" : "went_on"];
        look_at_disks(sweep, s);
        // A machine that was being opened may not be there.
        if (sweep.step == Step::restart || sweep.step == Step::restart_hub) return;
        go_on(sweep, s);
    }

    static void look_at_disks(Sweep& sweep, Session& s) {
        for (const auto who : {Who::device, Who::hub}) {
            SimDisk after(sweep.seed);
            after.become_cut_of(s.disk(who), SimDisk::Keep::everything, sweep.seed);
            sweep.examiner.examine(s, who, after, s.promises(who), sweep.counts);
        }
    }

    /// In the same process, on what the machines have in memory.
    static void go_on(Sweep& sweep, Session& s) {
        for (const auto who : {Who::device, Who::hub, Who::neighbour})
            if (s.machine(who)->database().broken()) {
                ++sweep.counts["stopped"];
                return;
            }
        try {
            s.run(Step::create);
            s.run(Step::sync);
        } catch (const std::exception& e) {
            throw Failure(std::string("it does not go on: ") + e.what());
        }
        for (const auto who : {Who::device, Who::hub}) {
            SimDisk disk(sweep.seed);
            disk.become_cut_of(s.disk(who), SimDisk::Keep::everything, sweep.seed);
            support::Device anew(sweep.seed, kDatabase, disk.vfs_name(), {}, Session::keys_of(who));
            const auto now = s.machine(who)->digest(), later = anew->digest();
            if (!now || !later || *now != *later) throw Failure("what is in memory is not what opening it anew shows");
        }
        look_at_disks(sweep, s);
        ++sweep.counts["gone_on"];
    }

    std::uint64_t seed_;
};

}  // namespace

bool gives_memory() { return of_program.gives(); }

std::unique_ptr<Proof> make_memory_faults(std::uint64_t seed) { return std::make_unique<MemoryGivesOut>(seed); }

}  // namespace taizhang::proof

// The other forms of new and delete come down to these.
void* operator new(std::size_t n) {
    if (void* p = taizhang::proof::gives_memory() ? std::malloc(n == 0 ? 1 : n) : nullptr) return p;
    throw std::bad_alloc();
}
void operator delete(void* p) noexcept { std::free(p); }
void operator delete(void* p, std::size_t) noexcept { std::free(p); }
