// The power goes at every write of a session, in several ways each, and again while the machine comes back.
#include "tests/proof/examine.h"

namespace taizhang::proof {
namespace {

using support::Device;
using support::SimDisk;
using Keep = SimDisk::Keep;

constexpr int kCoins = 4;        ///< ways in which chance decides, besides nothing and everything
constexpr int kOpenOneIn = 24;   ///< cuts after which the program opens the disk although its content is known
constexpr int kAgainOneIn = 24;  ///< cuts after which the power goes again at each write of the return
constexpr int kAgainCoins = 2;
constexpr int kEditOneIn = 12;  ///< returns in which somebody writes at once

/// The cuts of one session, on the disk of one machine.
class Cutter {
public:
    Cutter(std::uint64_t seed, Who who, Counts& counts)
        : random_(seed),
          examiner_(seed * 1'000'003),
          cut_(seed ^ 0xc01),
          again_(seed ^ 0xc02),
          who_(who),
          counts_(counts) {}

    void attach(Session& s) { session_ = &s; }
    /// In SQLite's callbacks no exception may leave: the first failure is kept for check().
    void at_write(SimDisk& disk) {
        if (!failure_.empty() || session_ == nullptr) return;
        ++counts_["write_points"];
        try {
            cut_here(disk);
        } catch (const std::exception& e) {
            failure_ = e.what();
        }
    }
    void check(const std::string& where) const {
        if (!failure_.empty()) throw Failure(where + ": " + failure_);
    }

private:
    void cut_here(SimDisk& disk) {
        const auto& promised = session_->promises(who_);
        one_cut(disk, Keep::nothing, promised);
        one_cut(disk, Keep::everything, promised);
        for (int n = 0; n < kCoins; ++n) one_cut(disk, Keep::coin, promised);
    }

    void one_cut(SimDisk& disk, Keep keep, const std::vector<Promise>& promised) {
        ++counts_["cuts"];
        cut_.become_cut_of(disk, keep, next());
        if (random_.one_in(kAgainOneIn)) {
            come_back(promised);
        } else if (random_.one_in(kOpenOneIn)) {
            examiner_.open_and_examine(*session_, who_, cut_, promised, counts_);
        } else {
            examiner_.examine(*session_, who_, cut_, promised, counts_);
        }
    }

    /// The machine comes back, and at each write of that the power goes again.
    void come_back(const std::vector<Promise>& promised) {
        ++counts_["returns"];
        auto said = promised;
        std::string failure;
        cut_.at_each_write([&] {
            if (!failure.empty()) return;
            try {
                for (int n = 0; n < kAgainCoins; ++n) {
                    ++counts_["cuts"];
                    ++counts_["second_cuts"];
                    again_.become_cut_of(cut_, n == 0 && random_.one_in(4) ? Keep::nothing : Keep::coin, next());
                    examiner_.examine(*session_, who_, again_, said, counts_);
                }
            } catch (const std::exception& e) {
                failure = e.what();
            }
        });
        try {
            return_to_work(said);
        } catch (const std::exception& e) {
            if (failure.empty()) failure = std::string("it does not come back: ") + e.what();
        }
        cut_.at_each_write({});
        if (!failure.empty()) throw Failure("after a second cut: " + failure);
        examiner_.examine(*session_, who_, cut_, said, counts_);
    }

    void return_to_work(std::vector<Promise>& said) {
        Device found(next(), kDatabase, cut_.vfs_name(), {}, Session::keys_of(who_));
        found.clock = session_->clock();
        if (who_ == Who::device && random_.one_in(kEditOneIn) && found->find("P1") && !found->find("P1")->empty()) {
            Draft d;
            Edit e;
            e.entity = "probe";
            e.row = "P1";
            e.fields = {{"remark", support::text("又来")}};
            d.edits = {e};
            if (const auto ids = found->edit(d))
                for (const auto& id : *ids) said.push_back({id.stream, id.replica, id.seq, id.hash});
            else if (ids.error().code != Errc::not_allowed)
                throw Failure(ids.error().detail);
        }
        if (random_.one_in(2))
            if (const auto done = found->database().checkpoint(); !done) throw Failure(done.error().detail);
    }

    std::uint64_t next() { return seed_ = reference::mix(seed_ + static_cast<std::uint64_t>(random_.pick(1 << 20))); }

    reference::Random random_;
    Examiner examiner_;
    SimDisk cut_, again_;
    Who who_;
    Counts& counts_;
    Session* session_ = nullptr;
    std::string failure_;
    std::uint64_t seed_ = 0;
};

class PowerCuts final : public Proof {
public:
    explicit PowerCuts(std::uint64_t seed) : seed_(seed) {}

    /// In turns: the canonical session and one of its own, cut at the device and at the hub.
    void step(std::uint64_t number, Counts& counts) override {
        const auto seed = reference::mix(seed_ * 1'000'003 + number) >> 16;
        const auto who = number % 2 == 0 ? Who::device : Who::hub;
        const bool is_canonical = number % 4 < 2;
        const auto steps = is_canonical ? Session::canonical() : Session::random(seed);
        ++counts[is_canonical ? "canonical_sessions" : "random_sessions"];
        run(steps, seed, who, counts);
    }

private:
    static void run(const std::vector<Session::Step>& steps, std::uint64_t seed, Who who, Counts& counts) {
        Cutter cutter(seed, who, counts);
        Session s(seed);
        auto& disk = s.disk(who);
        cutter.attach(s);
        disk.at_each_write([&] { cutter.at_write(disk); });
        int n = 0;
        for (const auto step : steps) {
            const auto where =
                std::string("at ") + Session::name_of(step) + ", step " + std::to_string(n++) + " of the session";
            try {
                s.run(step);
            } catch (const std::exception& e) {
                cutter.check(where);
                throw Failure(where + ", without a cut: " + e.what());
            }
            cutter.check(where);
        }
        s.close();
        cutter.check("at the end");
    }

    std::uint64_t seed_;
};

}  // namespace

std::unique_ptr<Proof> make_power_cuts(std::uint64_t seed) { return std::make_unique<PowerCuts>(seed); }

}  // namespace taizhang::proof
