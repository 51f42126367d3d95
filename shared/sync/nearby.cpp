#include "sync/nearby.h"

#include <algorithm>

namespace taizhang::sync {

bool matters_to(const ControlState& control, const std::string& unit, const Certificate& cert) {
    const auto at = control.head();
    const auto& reach = control.authority(cert.unit, at);
    return control.is_at_or_below(unit, reach, at) || control.is_at_or_below(reach, control.authority(unit, at), at);
}

void Nearby::order_tree(const ControlState& control) {
    std::unordered_map<std::string, std::vector<const std::string*>> below;
    for (const auto& id : control.units()) below[control.unit(id)->parent].push_back(&id);
    spans_.clear();
    std::uint32_t next = 0;
    // Twice each: on the way down it gets its number, on the way up the last one below it.
    std::vector<std::pair<const std::string*, bool>> to_do;
    const auto put = [&](const std::string& parent) {
        if (const auto at = below.find(parent); at != below.end())
            for (const auto* id : at->second) to_do.emplace_back(id, false);
    };
    for (put({}); !to_do.empty();) {
        const auto [id, is_done] = to_do.back();
        if (is_done) {
            spans_[*id].last = next - 1;
            to_do.pop_back();
            continue;
        }
        to_do.back().second = true;
        spans_[*id].first = next++;
        put(*id);
    }
}

Nearby::Span Nearby::span_of(const std::string& unit) const {
    const auto at = spans_.find(unit);
    return at == spans_.end() ? Span{} : at->second;
}

Result<> Nearby::follow(Replica& r) {
    const auto& control = r.control();
    if (!has_begun_ || head_ != control.head() || reads_ != r.control_reads()) {
        has_begun_ = false;
        entries_.clear();
        order_tree(control);
        head_ = control.head();
        reads_ = r.control_reads();
        has_begun_ = true;
    }
    TRY(const auto news, r.certificates_after(entries_.empty() ? 0 : entries_.back().pos));
    for (const auto& s : news) {
        TRY(const auto cert, Certificate::decode(s.body));
        entries_.push_back({s.pos, cert.replica, span_of(control.authority(cert.unit, head_))});
    }
    return {};
}

Result<Nearby::Found> Nearby::find(Replica& r, const std::string& unit, std::uint64_t after,
                                   const std::vector<ReplicaId>& others) {
    TRY_VOID(follow(r));
    const auto here = span_of(unit), reach = span_of(r.control().authority(unit, head_));
    Found out{{}, after};
    const auto is_above = [](std::uint64_t pos, const Entry& e) { return pos < e.pos; };
    for (auto e = std::upper_bound(entries_.begin(), entries_.end(), after, is_above); e != entries_.end(); ++e) {
        out.through = e->pos;
        if (e->reach.holds(here) || reach.holds(e->reach) ||
            std::find(others.begin(), others.end(), e->replica) != others.end())
            out.places.push_back(e->pos);
    }
    return out;
}

}  // namespace taizhang::sync
