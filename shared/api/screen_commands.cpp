#include "api/screen_commands.h"

#include "base/bytes.h"
#include "ledger/issue.h"
#include "ledger/overview.h"
#include "ledger/page.h"
#include "ledger/times.h"
#include "sync/session.h"

#include <boost/json.hpp>

#include <array>

namespace taizhang::api {

namespace json = boost::json;

namespace {

constexpr std::size_t kDraftKeyMax = 200, kDraftBytesMax = 64u << 10;

std::size_t count_option(const Command& c, const std::string& key, std::size_t otherwise) {
    return c.has(key) ? std::strtoul(c.option(key).c_str(), nullptr, 10) : otherwise;
}

}  // namespace

Result<json::value> pulse(node::Node& n, const Command&) {
    auto& r = n.replica();
    TRY(const auto token, r.fact("upstream/token"));
    std::uint64_t unsent = 0;
    if (!token.empty()) {
        TRY(unsent, sync::unsent_count(r));
    }
    TRY(const auto last, r.fact("upstream/last_sync_ms"));
    json::object o{{"head", r.log_head().value}, {"control", r.control().head().value}};
    o["unsent"] = unsent;
    o["last_sync"] = last.empty() ? json::value(nullptr)
                                  : json::value(ledger::format_local(std::strtoll(last.c_str(), nullptr, 10)));
    TRY(const auto waiting, r.waiting());
    o["waiting"] = waiting.size();
    o["now"] = ledger::format_local(r.now().ms);
    return json::value(std::move(o));
}

Result<json::value> draft(node::Node& n, const Command& c) {
    const auto value = c.option("value");
    if (c.args[0].size() > kDraftKeyMax || value.size() > kDraftBytesMax)
        return fail(Errc::bad_input, "草稿太长 / the draft is too long");
    auto& r = n.replica();
    TRY_VOID(r.batch([&] { return r.set_fact("draft/" + c.args[0], value); }));
    return json::value{{"kept", !value.empty()}};
}

Result<json::value> drafts(node::Node& n, const Command&) {
    TRY(const auto all, n.replica().facts("draft/"));
    json::object o;
    for (const auto& [key, value] : all)
        if (!value.empty()) o[key.starts_with("draft/") ? key.substr(6) : key] = value;
    return json::value(std::move(o));
}

Result<json::value> page(node::Node& n, const Command& c) {
    ledger::PageQuery q;
    q.what = c.args[0];
    q.unit = c.option("unit");
    q.task = c.option("task");
    q.search = c.option("search");
    q.unanswered = c.has("unanswered");
    q.unchecked = c.has("unchecked");
    q.unguided = c.has("unguided");
    std::string_view states = c.options.contains("state") ? std::string_view(c.options.at("state")) : "";
    while (!states.empty()) {
        const auto comma = states.find(',');
        q.states.emplace_back(states.substr(0, comma));
        states = comma == std::string_view::npos ? std::string_view() : states.substr(comma + 1);
    }
    q.offset = count_option(c, "offset", 0);
    q.limit = count_option(c, "limit", q.limit);
    q.sample = count_option(c, "sample", 0);
    q.seed = c.option("seed");
    if (q.sample > 0 && q.seed.empty()) {
        std::array<std::uint8_t, 4> drawn{};
        n.replica().random(drawn);
        q.seed = to_hex(view(drawn));
    }
    TRY(auto found, ledger::page(n.replica(), q));
    return json::value(std::move(found));
}

Result<json::value> units(node::Node& n, const Command&) {
    std::vector<ledger::SeenDevice> seen;
    TRY(const auto devices, n.hub().devices());
    for (const auto& d : devices) seen.push_back({d.unit, d.label, d.last_seen_ms});
    return json::value(ledger::units(n.replica(), seen));
}

Result<json::value> catalog(node::Node& n, const Command&) { return json::value(ledger::catalog_outline(n.replica())); }

Result<json::value> issue(node::Node& n, const Command& c) {
    ledger::IssueInput in;
    TRY(in.fields, assignments(c.args, 0));
    in.task = c.option("task");
    in.under = c.option("under");
    in.level = c.has("level") ? c.option("level") : "branch";
    in.person = c.option("person");
    in.dry_run = c.has("dry_run") || c.has("dry-run");
    TRY(auto done, ledger::issue(n.replica(), in));
    return json::value(std::move(done));
}

Result<json::value> overview(node::Node& n, const Command& c) {
    TRY(auto found, ledger::overview(n.facts(), c.option("unit")));
    return json::value(std::move(found));
}

}  // namespace taizhang::api
