#include "files/file_hub.h"

#include <algorithm>

namespace taizhang::files {
namespace {

using Kind = wire::ContentWord::Kind;

constexpr std::size_t kLookedAtMax = 4096;  // lines of the account, most of them of others, for one request

wire::ContentWord refused(const Hash& hash, std::string why) { return {hash, Kind::refused, 0, 0, std::move(why)}; }

std::string mb(std::uint64_t bytes) { return std::to_string((bytes + (1u << 20) - 1) >> 20); }

// A place in the hub's news names the line there, so that a hub whose database is an older copy notices that what it
// said is gone, even when it has new lines up to the same number.
constexpr int kLineBits = 24;
std::uint64_t pos_of(std::uint64_t place) { return place >> kLineBits; }
std::uint64_t place_of(std::uint64_t pos, const Hash& line) {
    const auto& b = line.bytes;
    return pos << kLineBits | std::uint64_t{b[0]} << 16 | std::uint64_t{b[1]} << 8 | b[2];
}

}  // namespace

Result<std::string> FileHub::handle(std::string_view request) {
    wire::FileRequest q;
    TRY_VOID(wire::decode(request, q));
    TRY(const auto device, hub_.device_of(q.token));
    auto& r = contents_.index().replica();
    if (q.city != 0 && q.city != r.control().city_mark())
        return fail(Errc::denied, "这台服务器属于另一个城市 / this server belongs to another city");
    if (q.offers.size() > kOffersMax || q.wishes.size() > kOffersMax)
        return fail(Errc::protocol, "附件请求过多 / too many contents in one message");
    wire::FileReply reply;
    reply.level = hub_.level();
    reply.city = r.control().city_mark();
    reply.hub = hub_.id();
    reply.generation = hub_.generation();
    for (const auto& range : q.ranges) {
        TRY(auto word, take(device.unit, range));
        // One word for a content, the last one: it speaks for all its stretches.
        const auto it = std::find_if(reply.words.begin(), reply.words.end(),
                                     [&](const auto& w) { return w.content == range.content; });
        if (it == reply.words.end())
            reply.words.push_back(std::move(word));
        else
            *it = std::move(word);
    }
    for (const auto& offer : q.offers) {
        TRY(auto word, answer_offer(device.unit, offer.content, offer.size));
        reply.words.push_back(std::move(word));
    }
    TRY(reply.on_demand, contents_.index().takes_on_demand());
    std::size_t room = kDownBytesMax;
    for (const auto& wish : q.wishes) TRY_VOID(give(device.unit, wish, room, reply));
    TRY_VOID(add_news(device.unit, q, reply));
    return wire::encode(reply);
}

/// Empty: there is room. One line otherwise. What is in the account already counts once.
Result<std::string> FileHub::over_quota(const std::string& unit, std::uint64_t size, const Content* known) {
    TRY(const auto quota, contents_.index().quota());
    TRY(auto used, contents_.index().bytes_of(unit));
    if (known && known->unit == unit) used -= std::min(used, known->size);
    if (size <= quota && used <= quota - size) return std::string();
    return unit + " 的附件配额 " + mb(quota) + " MB 已用 " + mb(used) + " MB,放不下这个 " + mb(size) +
           " MB 的文件,请上级调整 / the quota of " + unit + " is " + mb(quota) + " MB, " + mb(used) +
           " MB are used: no room for this file of " + mb(size) + " MB; ask the office above";
}

Result<wire::ContentWord> FileHub::next_of(const Content& c) {
    if (c.whole) return wire::ContentWord{c.hash, Kind::here, 0, 0, {}};
    TRY(const auto gap, contents_.missing(c));
    return wire::ContentWord{c.hash, Kind::send, gap.first, gap.past, {}};
}

/// What is here of it was begun with this size, or can be begun anew: whoever named a wrong size first does not
/// keep the others from sending it.
Result<bool> FileHub::is_settled(const Hash& hash, std::uint64_t size, const Content& known) {
    if (known.size == size) return true;
    if (known.whole) return false;
    TRY_VOID(contents_.index().set_size(hash, size));
    return true;
}

Result<wire::ContentWord> FileHub::answer_offer(const std::string& unit, const Hash& hash, std::uint64_t size) {
    TRY(const auto ref, contents_.reference_from(unit, hash));
    if (!ref)
        return refused(hash,
                       "服务器还没有引用这个附件的记录,或不在本机范围内,下次同步再试 / the server has no record in "
                       "this device's scope that names this content: tried again at the next sync");
    TRY(auto known, contents_.look(hash));
    if (known && known->whole) return next_of(*known);
    TRY(const auto all, contents_.index().references(hash));
    const bool is_named = std::any_of(all.begin(), all.end(), [&](const auto& x) { return x.size == size; });
    if (!is_named || size == 0 || size > kContentBytesMax)
        return refused(hash, "附件大小与记录不符,或超过 64 MB / the size is not that of the record, or above 64 MB");
    TRY(const bool on_demand, contents_.index().takes_on_demand());
    if (on_demand && (!known || known->wanted == 0)) return wire::ContentWord{hash, Kind::later, 0, 0, {}};
    const auto& payer = known ? known->unit : ref->stream.unit;
    TRY(auto why, over_quota(payer, size, known ? &*known : nullptr));
    if (!why.empty()) return refused(hash, std::move(why));
    if (!known) {
        TRY_VOID(contents_.index().add(hash, size, ref->stream.unit, false));
    } else {
        TRY(const bool settled, is_settled(hash, size, *known));
        if (!settled) return refused(hash, "附件大小与服务器的不符 / the size is not the one that the server knows");
    }
    TRY(known, contents_.look(hash));
    return next_of(*known);
}

Result<wire::ContentWord> FileHub::take(const std::string& unit, const wire::ContentRange& range) {
    TRY(auto word, answer_offer(unit, range.content, range.size));
    if (word.kind != Kind::send) return word;
    TRY_VOID(contents_.take(range));
    TRY(const auto now, contents_.look(range.content));
    return next_of(*now);
}

Result<> FileHub::give(const std::string& unit, const wire::ContentWish& wish, std::size_t& room,
                       wire::FileReply& reply) {
    TRY(const auto ref, contents_.reference_for(unit, wish.content));
    if (!ref) {
        reply.words.push_back(
            refused(wish.content, "不在本机范围内,不能取这个附件 / this content is outside this device's scope"));
        return {};
    }
    TRY(const auto c, contents_.expect(wish.content));
    const auto bytes = static_cast<std::size_t>(std::min<std::uint64_t>(room, wish.bytes_max));
    if (c.whole && wish.offset < c.size) {
        if (bytes == 0) return {};
        auto range = contents_.range(c, wish.offset, bytes);
        if (range) {
            room -= std::min(room, range->bytes.size());
            reply.ranges.push_back(std::move(*range));
            return {};
        }
        if (range.error().code != Errc::not_found) return range.error();
    }
    TRY_VOID(contents_.index().set_wanted(wish.content, kWantedHere));
    reply.words.push_back({wish.content, Kind::not_here, 0, 0, {}});
    return {};
}

/// What came since, line by line: for those who hold most of it.
Result<> FileHub::add_levels(const std::string& unit, std::uint64_t after, wire::FileReply& reply) {
    TRY(const auto news, contents_.index().levels_after(after, kLookedAtMax));
    for (const auto& n : news) {
        if (reply.levels.size() == kNewsMax) break;
        reply.news = place_of(n.pos, n.hash);
        TRY(const auto ref, contents_.reference_for(unit, n.hash));
        if (ref) reply.levels.push_back({n.hash, n.level});
    }
    return {};
}

/// Of what came since next to nothing is a branch's: looked for among its own. In the hour before a deadline every
/// branch asks, and every branch has brought something.
Result<> FileHub::add_levels_of_branch(const std::string& unit, std::uint64_t after, wire::FileReply& reply) {
    auto& index = contents_.index();
    TRY(const auto newest, index.newest_level());
    if (!newest || newest->pos <= after) return {};
    std::vector<ContentIndex::LevelNews> news;
    for (const auto& stream : index.replica().control().scope(unit)) {
        TRY(auto some, index.levels_named_in(stream, after));
        news.insert(news.end(), some.begin(), some.end());
    }
    const auto by_place = [](const auto& a, const auto& b) { return a.pos < b.pos; };
    const auto is_same = [](const auto& a, const auto& b) { return a.pos == b.pos; };
    std::sort(news.begin(), news.end(), by_place);
    news.erase(std::unique(news.begin(), news.end(), is_same), news.end());
    const bool is_all = news.size() <= kNewsMax;
    if (!is_all) news.resize(kNewsMax);
    for (const auto& n : news) reply.levels.push_back({n.hash, n.level});
    const auto& last = is_all ? *newest : news.back();
    reply.news = place_of(last.pos, last.hash);
    return {};
}

Result<> FileHub::add_news(const std::string& unit, const wire::FileRequest& q, wire::FileReply& reply) {
    const bool is_mine = q.hub == hub_.id() && q.generation == hub_.generation();
    std::uint64_t after = 0;
    if (is_mine && q.news != 0) {
        after = pos_of(q.news);
        TRY(const auto line, contents_.index().level_at(after));
        if (!line || place_of(after, *line) != q.news) return {};  // `news` 0: this hub is not what it was
        reply.news = q.news;
    }
    const auto* own = contents_.index().replica().control().unit(unit);
    const bool is_branch = own && own->level == Level::branch;
    TRY_VOID(is_branch ? add_levels_of_branch(unit, after, reply) : add_levels(unit, after, reply));
    TRY(const auto wanted, contents_.index().wanted(kWantedHere | kWantedAbove, kNewsMax));
    for (const auto& c : wanted) {
        if (reply.wanted.size() == kWantedMax) break;
        TRY(const auto ref, contents_.reference_for(unit, c.hash));
        if (ref) reply.wanted.push_back(c.hash);
    }
    return {};
}

}  // namespace taizhang::files
