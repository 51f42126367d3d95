#include "api/ledger_commands.h"

#include "api/as_value.h"
#include "ledger/batch.h"
#include "ledger/behind.h"
#include "ledger/breakdown.h"
#include "ledger/burden.h"
#include "ledger/calendar.h"
#include "ledger/decompose.h"
#include "ledger/duplicates.h"
#include "ledger/meetings.h"
#include "ledger/search.h"
#include "ledger/stocktake.h"
#include "ledger/story.h"
#include "ledger/times.h"

#include <boost/json.hpp>

#include <vector>

namespace taizhang::api {

namespace json = boost::json;

namespace {

constexpr std::size_t kSearchRows = 50;
constexpr int kTrendMonths = 6;

/// A number in an option; Errc::usage with its name.
Result<long long> number_option(const Command& c, const std::string& key, long long otherwise) {
    if (!c.has(key)) return otherwise;
    const auto text = c.option(key);
    char* end = nullptr;
    const auto n = std::strtoll(text.c_str(), &end, 10);
    if (text.empty() || *end != 0 || n < 0)
        return fail(Errc::usage, "--" + key + " 要是数 / --" + key + " must be a number");
    return n;
}

Result<ledger::Slice> slice_of(const Command& c) {
    ledger::Slice s;
    TRY(const auto offset, number_option(c, "offset", 0));
    TRY(const auto limit, number_option(c, "limit", static_cast<long long>(s.limit)));
    return ledger::Slice{static_cast<std::size_t>(offset), static_cast<std::size_t>(limit)};
}

}  // namespace

Result<json::value> act_on(node::Node& n, const Command& c) {
    ledger::Assignments arguments;
    for (const char* name : {"reason", "text", "new_deadline", "state"})
        if (c.has(name)) arguments.emplace_back(name, c.option(name));
    if (c.args.size() == 2) return as_saved(n.ledger().act(c.args[0], c.args[1], arguments, c.option("person")));
    return as_value(
        ledger::act_on_all(n.replica(), c.args[0], {c.args.begin() + 1, c.args.end()}, arguments, c.option("person")));
}

Result<json::value> search(node::Node& n, const Command& c) {
    std::string words;
    for (const auto& a : c.args) words += (words.empty() ? "" : " ") + a;
    TRY(const auto limit, number_option(c, "limit", kSearchRows));
    return as_value(ledger::search(n.replica(), words, static_cast<std::size_t>(limit), &n.texts()));
}

Result<json::value> story(node::Node& n, const Command& c) { return as_value(ledger::story(n.replica(), c.args[0])); }

Result<json::value> undo(node::Node& n, const Command& c) {
    return as_saved(ledger::undo(n.replica(), c.args[0], {c.args.begin() + 1, c.args.end()}, c.option("person")));
}

Result<json::value> decompose(node::Node& n, const Command& c) {
    ledger::Decomposition d;
    d.task = c.args[0];
    d.units.assign(c.args.begin() + 1, c.args.end());
    d.guidance = c.option("guidance");
    d.deadline = c.option("deadline");
    d.person = c.option("person");
    return as_value(ledger::decompose(n.replica(), d));
}

Result<json::value> expected(node::Node& n, const Command& c) {
    return as_value(ledger::expected(n.replica(), c.args[0], c.option("unit")));
}

Result<json::value> form(node::Node& n, const Command& c) {
    return as_value(ledger::form_figures(n.replica(), c.args[0], c.option("unit")));
}

Result<json::value> duplicates(node::Node& n, const Command& c) {
    return as_value(ledger::duplicates(n.replica(), c.option("unit")));
}

Result<json::value> merge(node::Node& n, const Command& c) {
    return as_saved(ledger::merge_duplicate(n.replica(), c.args[0], c.args[1], c.option("person")));
}

Result<json::value> burden(node::Node& n, const Command& c) {
    const auto month = c.has("month") ? c.option("month") : ledger::format_local(n.replica().now().ms).substr(0, 7);
    TRY(const auto slice, slice_of(c));
    return as_value(ledger::burden(n.facts(), c.option("unit"), month, slice));
}

Result<json::value> unanswered(node::Node& n, const Command& c) {
    return as_value(ledger::unanswered(n.replica(), c.option("unit")));
}

Result<json::value> meetings(node::Node& n, const Command& c) {
    return as_value(
        ledger::meetings(n.replica(), {c.option("unit"), c.args.empty() ? std::string() : c.args[0], c.has("failed")}));
}

Result<json::value> convene(node::Node& n, const Command& c) {
    return as_value(ledger::convene(
        n.replica(), {c.args[0], {c.args.begin() + 1, c.args.end()}, c.option("expected"), c.option("person")}));
}

Result<json::value> stocktake(node::Node& n, const Command& c) {
    return as_saved(ledger::take_stock(n.facts(), c.args[0], c.option("unit"), c.option("person")));
}

Result<json::value> compare(node::Node& n, const Command& c) {
    return as_value(ledger::compare_stock(n.facts(), c.args[0], c.args.size() > 1 ? c.args[1] : "now"));
}

Result<json::value> trend(node::Node& n, const Command& c) {
    TRY(const auto months, number_option(c, "months", kTrendMonths));
    return as_value(ledger::trend(n.facts(), c.option("unit"), static_cast<int>(std::min(months, 1000LL))));
}

Result<json::value> breakdown(node::Node& n, const Command& c) {
    return as_value(ledger::breakdown(n.facts(), c.args[0], c.option("unit")));
}

Result<json::value> behind(node::Node& n, const Command& c) {
    TRY(const auto slice, slice_of(c));
    return as_value(ledger::behind(n.facts(), c.args[0], c.option("unit"), slice));
}

// ------------------------------------------------------------------ as text

namespace {

std::string cell(const json::value& v) {
    if (v.is_null()) return "-";
    auto s = v.is_string() ? std::string(v.as_string()) : json::serialize(v);
    for (auto& c : s)
        if (c == '\n' || c == '\r' || c == '\t') c = ' ';
    return s;
}

std::string table(const json::array& rows) {
    std::string out;
    for (const auto& v : rows) {
        if (!v.is_object()) {
            out += cell(v) + "\n";
            continue;
        }
        const auto& o = v.as_object();
        // A sentence says all of it.
        if (const auto* zh = o.if_contains("zh")) {
            out += cell(*zh) + "\n";
            continue;
        }
        if (&v == &rows.front()) {
            for (const auto& [k, x] : o) out += (out.empty() ? "" : "\t") + std::string(k);
            out += "\n";
        }
        bool first = true;
        for (const auto& [k, x] : o) {
            out += (first ? "" : "\t") + cell(x);
            first = false;
        }
        out += "\n";
    }
    return out;
}

}  // namespace

std::string render_plainly(const json::value& d) {
    if (d.is_array()) return table(d.as_array());
    std::string out;
    for (const auto& [k, v] : d.as_object()) {
        if (v.is_array())
            out += std::string(k) + ":" + (v.as_array().empty() ? " -\n" : "\n" + table(v.as_array()));
        else
            out += std::string(k) + ": " + cell(v) + "\n";
    }
    return out;
}

}  // namespace taizhang::api
