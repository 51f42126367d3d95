#include "tests/sim/run.h"

#include <algorithm>

namespace taizhang::sim {

Outcome run_world(const Plan& plan, Figures& figures, World::Tell tell) {
    Outcome out;
    World world(plan, tell);
    try {
        world.run();
        figures.add(world.figures());
        out.trace = world.trace_hash();
    } catch (const Violation& v) {
        out.failure = {v.invariant, v.what()};
    } catch (const std::exception& e) {
        out.failure = {"8 liveness", std::string("exception: ") + e.what()};
    }
    out.acts = world.acts();
    out.story = world.story();
    return out;
}

namespace {

class Shrinker {
public:
    Shrinker(Plan plan, Failure failure, const std::function<bool()>& may_go_on)
        : best_(std::move(plan)), failure_(std::move(failure)), may_go_on_(may_go_on) {}

    void end_earlier(int acts) {
        // The failing act itself, then nothing: the rest may be what notices it.
        auto less = best_;
        less.acts = acts + 1;
        fails(less);
        int holds = 0;
        for (int high = std::min(best_.acts, acts + 1); may_go_on_() && high - holds > 1;) {
            less = best_;
            less.acts = (holds + high) / 2;
            if (fails(less))
                high = less.acts;
            else
                holds = less.acts;
        }
    }

    void leave_kinds_out() {
        for (int f = 0; f < static_cast<int>(Fault::count) && may_go_on_(); ++f) {
            auto less = best_;
            less.off |= 1u << f;
            fails(less);
        }
    }

    void leave_acts_out(int acts) {
        const int end = std::min(best_.acts, acts + 1);
        for (int size = std::max(1, end / 2); may_go_on_();) {
            bool any = false;
            for (int from = 0; from < end && may_go_on_(); from += size) {
                auto less = best_;
                for (int i = from; i < std::min(end, from + size); ++i) less.skipped.insert(i);
                if (less.skipped.size() > best_.skipped.size()) any = fails(less) || any;
            }
            if (size == 1 && !any) return;
            size = std::max(1, size / 2);
        }
    }

    Shrunk finish() {
        Figures ignored;
        auto last = run_world(best_, ignored, World::Tell::story);
        return {best_, last.failure.value_or(failure_), std::move(last.story), runs_ + 1};
    }

private:
    bool fails(const Plan& less) {
        Figures ignored;
        ++runs_;
        const auto out = run_world(less, ignored);
        if (!out.failure || out.failure->invariant != failure_.invariant) return false;
        best_ = less;
        return true;
    }

    Plan best_;
    Failure failure_;
    const std::function<bool()>& may_go_on_;
    int runs_ = 0;
};

}  // namespace

Shrunk shrink(const Plan& plan, const Failure& failure, int acts, const std::function<bool()>& may_go_on) {
    Shrinker s(plan, failure, may_go_on);
    s.end_earlier(acts);
    s.leave_kinds_out();
    s.leave_acts_out(acts);
    s.leave_kinds_out();
    return s.finish();
}

std::string tell(const Shrunk& s) {
    std::string out = "World " + std::to_string(s.plan.seed) + " as far as it takes to break invariant " +
                      s.failure.invariant + " (" + std::to_string(s.runs) + " runs to make it small).\nWithout:";
    for (std::size_t f = 0; f < kFaultNames.size(); ++f)
        if (!s.plan.has(static_cast<Fault>(f))) out += std::string(f == 0 ? " " : ", ") + kFaultNames[f];
    out += ".\n\n";
    for (const auto& line : s.story) out += line + "\n";
    return out + "\nThen: " + s.failure.invariant + ": " + s.failure.what + "\n";
}

}  // namespace taizhang::sim
