#include "files/file_session.h"

#include "files/file_hub.h"
#include "sync/session.h"
#include "sync/token.h"

#include <algorithm>

namespace taizhang::files {
namespace {

using Kind = wire::ContentWord::Kind;

constexpr const char* kHub = "files/hub";      // hub[16], varints generation, news
constexpr const char* kSwept = "files/swept";  // upstream/evicted, up to which their contents are gone
constexpr const char* kAsked = "files/asked_ms";
constexpr std::int64_t kAskEveryMs = 24 * 3'600'000;
constexpr int kStrikesMax = 3;

struct HubPlace {
    ReplicaId hub;
    std::uint64_t generation = 0, news = 0;
};

Result<HubPlace> hub_place(Replica& r) {
    TRY(const auto bytes, r.fact(kHub));
    Reader in(bytes);
    HubPlace p;
    p.hub.bytes = in.array<16>();
    p.generation = in.varint();
    p.news = in.varint();
    return in.done() ? p : HubPlace{};
}

Result<> keep_place(Replica& r, const HubPlace& p) {
    std::string out;
    Writer w(out);
    w.raw(view(p.hub.bytes));
    w.varint(p.generation);
    w.varint(p.news);
    return r.set_fact(kHub, out);
}

Error makes_no_sense() {
    return fail(Errc::protocol, "服务器对附件的答复有误 / the hub's answer about contents makes no sense");
}

Result<bool> has_devices(Replica& r) {
    TRY(auto s, r.database().prepare("SELECT 1 FROM device LIMIT 1", false));
    return s.step();
}

}  // namespace

Result<bool> FileSession::has_work(Contents& contents, bool poll) {
    auto& index = contents.index();
    auto& r = index.replica();
    TRY(const auto place, hub_place(r));
    TRY(const auto hub, sync::upstream_hub(r));
    if (hub.hub.is_zero()) return false;
    if (!place.hub.is_zero() && (place.hub != hub.hub || place.generation != hub.generation)) {
        TRY_VOID(index.forget_hub());
        TRY_VOID(keep_place(r, {hub.hub, hub.generation, 0}));
    }
    // Whenever the tree took records from this node, their contents go too.
    TRY(const auto evicted, r.fact("upstream/evicted"));
    TRY(const auto swept, r.fact(kSwept));
    if (evicted != swept) {
        TRY_VOID(contents.drop_evicted());
        TRY_VOID(r.set_fact(kSwept, evicted));
    }
    // A refused one as well: most often its record had not gone up yet, and a sync since then has changed that.
    TRY(const auto unsent, index.count_sent(Sent::not_yet));
    TRY(const auto refused, index.count_sent(Sent::refused));
    if (unsent + refused > 0) return true;
    TRY(const auto wishes, index.wanted(kWantedHere, 1));
    if (!wishes.empty()) return true;
    if (!poll) return false;
    TRY(const auto later, index.count_sent(Sent::when_asked));
    if (later > 0) return true;
    TRY(const auto level, sync::upstream_level(r));
    TRY(const bool awaits, index.awaits_levels(level));
    if (awaits) return true;
    // Once a day whoever has any asks whether the hub lost one.
    TRY(const bool any, index.has_any());
    TRY(const auto asked, r.fact(kAsked));
    return any && r.now().ms - std::strtoll(asked.c_str(), nullptr, 10) > kAskEveryMs;
}

Result<> FileSession::fill_offers(wire::FileRequest& q) {
    TRY(const auto list, c_.index().to_send(kOffersMax + offered_.size()));
    for (const auto& c : list) {
        if (q.offers.size() == kOffersMax) break;
        if (offered_.contains(c.hash)) continue;
        offered_.insert(c.hash);
        TRY(const auto really, c_.look(c.hash));
        if (really && really->whole) q.offers.push_back({c.hash, c.size});
    }
    return {};
}

/// Small ones share a message; a large one is continued from where the hub wants it.
Result<> FileSession::fill_ranges(wire::FileRequest& q) {
    std::size_t room = std::clamp(chunk_, kChunkBytesMin, kChunkBytesMax);
    for (auto it = out_.begin(); it != out_.end() && room > 0;) {
        const auto bytes = static_cast<std::size_t>(std::min<std::uint64_t>(room, it->want.past - it->want.first));
        auto range = c_.range(it->content, it->want.first, bytes);
        if (!range && range.error().code != Errc::not_found) return range.error();
        if (!range) {  // it no longer fits its hash: never sent
            it = out_.erase(it);
            continue;
        }
        room -= std::min(room, range->bytes.size());
        it->sent_any = true;
        q.ranges.push_back(std::move(*range));
        ++it;
    }
    return {};
}

Result<> FileSession::fill_wishes(wire::FileRequest& q) {
    std::uint64_t room = std::clamp(chunk_, kChunkBytesMin, kChunkBytesMax);
    TRY(const auto list, c_.index().wanted(kWantedHere, kOffersMax + absent_.size()));
    for (const auto& c : list) {
        if (room == 0 || q.wishes.size() == kOffersMax) break;
        if (absent_.contains(c.hash)) continue;
        TRY(const auto really, c_.look(c.hash));
        if (!really || really->whole) continue;
        TRY(const auto gap, c_.missing(*really));
        const auto bytes = std::min(room, gap.past - gap.first);
        q.wishes.push_back({c.hash, gap.first, bytes});
        room -= bytes;
    }
    wishes_ = q.wishes.size();
    return {};
}

Result<std::string> FileSession::request() {
    auto& r = c_.index().replica();
    wire::FileRequest q;
    TRY(q.token, sync::upstream_token(r));
    if (q.token.empty())
        return fail(Errc::not_allowed, "本机还没有登记,请先 enrol / not enrolled yet: run enrol first");
    q.city = r.control().city_mark();
    TRY(const auto place, hub_place(r));
    q.hub = place.hub;
    q.generation = place.generation;
    q.news = place.news;
    TRY_VOID(fill_offers(q));
    TRY_VOID(fill_ranges(q));
    TRY_VOID(fill_wishes(q));
    return wire::encode(q);
}

/// What another hub, or this one before it came back from a backup, has said counts for nothing.
Result<bool> FileSession::is_other_hub(const wire::FileReply& m) {
    auto& r = c_.index().replica();
    TRY(const auto place, hub_place(r));
    const bool went_back = place.news != 0 && m.news == 0;  // it does not know any more what it said
    if (place.hub == m.hub && place.generation == m.generation && !went_back) return false;
    const bool had_one = !place.hub.is_zero();
    TRY_VOID(c_.index().forget_hub());  // of a receipt by stick, too, which may be older than this
    TRY_VOID(keep_place(r, {m.hub, m.generation, 0}));
    if (!had_one) return false;
    offered_.clear();
    out_.clear();
    return true;
}

Result<> FileSession::reply(std::string_view bytes) {
    wire::FileReply m;
    TRY_VOID(wire::decode(bytes, m));
    ++stats_.round_trips;
    auto& r = c_.index().replica();
    const auto mark = r.control().city_mark();
    if (mark != 0 && m.city != mark)
        return fail(
            Errc::protocol,
            "这台服务器属于另一个城市,什么也没有交换 / this server belongs to another city: nothing was exchanged");
    TRY(const auto word, sync::word_of(r, answered_by_, m.level));
    TRY(const bool other, is_other_hub(m));
    if (other) return {};
    answers_ = 0;
    for (const auto& w : m.words) TRY_VOID(take_word(w, word));
    for (const auto& range : m.ranges) TRY_VOID(take_range(range));
    // A hub that neither gives nor says why would keep us here for ever.
    if (wishes_ > 0 && answers_ == 0) return makes_no_sense();
    TRY_VOID(r.batch([&]() -> Result<> {
        for (const auto& l : m.levels) TRY_VOID(c_.index().learn_level(l.content, l.level));
        TRY_VOID(take_wanted(m.wanted));
        if (!m.on_demand) TRY_VOID(c_.index().offer_kept());
        TRY(const auto place, hub_place(r));
        if (stats_.round_trips == 1) TRY_VOID(r.set_fact(kAsked, std::to_string(r.now().ms)));
        return place.news == m.news ? Result<>() : keep_place(r, {m.hub, m.generation, m.news});
    }));
    TRY(const auto offers, c_.index().to_send(kOffersMax + offered_.size()));
    TRY(const auto wishes, c_.index().wanted(kWantedHere, kOffersMax + absent_.size()));
    more_ = !out_.empty() ||
            std::any_of(offers.begin(), offers.end(), [&](const auto& c) { return !offered_.contains(c.hash); }) ||
            std::any_of(wishes.begin(), wishes.end(), [&](const auto& c) { return !absent_.contains(c.hash); }) ||
            m.levels.size() == kNewsMax;
    return {};
}

Result<> FileSession::take_word(const wire::ContentWord& w, Level level) {
    const auto it = std::find_if(out_.begin(), out_.end(), [&](const auto& o) { return o.content.hash == w.content; });
    TRY(const auto c, c_.index().find(w.content));
    if (!c) return makes_no_sense();
    if (w.kind == Kind::not_here) {
        ++answers_;
        ++stats_.not_here;
        absent_.insert(w.content);
        return {};
    }
    if (!c->whole) {  // an answer to a wish; or it was lost here since it was offered
        if (w.kind != Kind::refused) return {};
        ++answers_;
        absent_.insert(w.content);
        stats_.refused.push_back(w.why);
        return {};
    }
    if (w.kind == Kind::send) {
        if (w.offset >= w.past || w.past > c->size) return makes_no_sense();
        if (it == out_.end()) {
            out_.push_back({*c, {w.offset, w.past}});
            return {};
        }
        if (w.offset > it->want.first)
            stats_.bytes_sent += w.offset - it->want.first;
        else
            ++it->strikes;  // damaged on the way, or all of it was found not to fit
        it->want = {w.offset, w.past};
        if (it->strikes < kStrikesMax) return {};
        out_.erase(it);
        stats_.refused.push_back("附件 " + w.content.hex().substr(0, 12) + "… 几次送达都有损坏,下次再试 / content " +
                                 w.content.hex().substr(0, 12) +
                                 "… arrived damaged several times: tried again next time");
        return {};
    }
    const bool was_sent = it != out_.end() && it->sent_any;
    if (was_sent && w.kind == Kind::here) stats_.bytes_sent += c->size - it->want.first;
    if (it != out_.end()) out_.erase(it);
    switch (w.kind) {
        case Kind::here:
            ++(was_sent ? stats_.sent : stats_.known);
            if (level != Level::none) TRY_VOID(c_.index().learn_level(w.content, level));
            TRY_VOID(c_.index().set_sent(w.content, Sent::there));
            return let_go(w.content);
        case Kind::later: return c_.index().set_sent(w.content, Sent::when_asked);
        case Kind::refused: {
            TRY(const auto refs, c_.index().references(w.content));
            stats_.refused.push_back((refs.empty() ? w.content.hex().substr(0, 12) : refs.front().name) + ": " + w.why);
            return c_.index().set_sent(w.content, Sent::refused, w.why);
        }
        default: return makes_no_sense();
    }
}

/// The tree took its record from this PC before its content had gone up: now that goes too. A hub keeps it, since the
/// record may still be on its way.
Result<> FileSession::let_go(const Hash& hash) {
    TRY(const auto evicted, c_.index().replica().fact("upstream/evicted"));
    TRY(const bool is_hub, has_devices(c_.index().replica()));
    return evicted.empty() || is_hub ? Result<>() : c_.drop_unnamed(hash);
}

Result<> FileSession::take_range(const wire::ContentRange& range) {
    TRY(const auto c, c_.index().find(range.content));
    if (!c || (c->wanted & kWantedHere) == 0) return c && c->whole ? Result<>() : makes_no_sense();
    ++answers_;
    TRY(const auto taken, c_.take(range));
    if (taken == Contents::Taken::damaged) {
        if (++damaged_[range.content] >= kStrikesMax) absent_.insert(range.content);
        return {};
    }
    stats_.bytes_received += range.bytes.size();
    if (taken != Contents::Taken::whole) return {};
    ++stats_.received;
    return c_.index().set_sent(range.content, Sent::there);  // where it came from has it
}

/// The hub would like to have these. What is here goes up; a relay asks for the others below.
Result<> FileSession::take_wanted(const std::vector<Hash>& wanted) {
    TRY(const bool is_hub, has_devices(c_.index().replica()));
    for (const auto& hash : wanted) {
        TRY(const auto known, c_.look(hash));
        if (known && known->whole) {
            if (known->sent != Sent::not_yet) {
                TRY_VOID(c_.index().set_sent(hash, Sent::not_yet));
                if (known->sent == Sent::when_asked) offered_.erase(hash);
            }
            continue;
        }
        if (!is_hub) continue;
        TRY(const auto refs, c_.index().references(hash));
        if (refs.empty()) continue;
        TRY_VOID(c_.expect(hash));
        TRY_VOID(c_.index().set_wanted(hash, kWantedAbove));
    }
    return {};
}

}  // namespace taizhang::files
