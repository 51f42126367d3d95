#include "api/publish.h"

#include "api/revoke.h"
#include "base/embedded.h"

#include <boost/json.hpp>

#include <filesystem>

namespace taizhang::api {

namespace json = boost::json;

namespace {

constexpr std::size_t kCatalogFileMax = 1u << 20;

Error not_published(const Error& e) {
    // The parser's faults are in English and begin with file and line; the steps' are in both languages.
    const bool is_both = e.detail.find(" / ") != std::string::npos;
    if (is_both) return e;
    return fail(e.code,
                "目录有误,没有发布:" + e.detail + " / the catalog is wrong, nothing was published: " + e.detail);
}

Result<json::value> show(node::Node& n) {
    const auto& control = n.replica().control();
    const auto* newest = control.newest_catalog();
    if (!newest) return fail(Errc::not_found, "还没有目录,请先同步 / no catalog here yet: sync first");
    json::array newer;
    for (const auto& e : newest->newer()) newer.push_back({{"entity", e.name}, {"needs", e.needs}});
    return json::value{{"version", newest->version()},
                       {"newest", control.catalog_version()},
                       {"needs_program", std::move(newer)},
                       {"text", newest->text()}};
}

/// Everything that can be said before it is published.
Result<std::vector<Label>> check(const ControlState& control, const Catalog& next) {
    if (next.needs_newer() > 0 || !next.newer().empty()) {
        const auto needs = next.needs_newer() > 0 ? next.needs_newer() : next.newer().front().needs;
        return fail(Errc::not_allowed,
                    "目录需要第 " + std::to_string(needs) + " 级的程序,本程序是第 " + std::to_string(kCatalogLevel) +
                        " 级,请先升级本程序 / the catalog needs a program of level " + std::to_string(needs) +
                        ", this one is of level " + std::to_string(kCatalogLevel) + ": upgrade this program first");
    }
    const auto* newest = control.newest_catalog();
    if (!newest) return std::vector<Label>{};
    TRY_VOID(newest->may_be_followed_by(next));
    return changes_between(*newest, next);
}

}  // namespace

Result<json::value> publish(node::Node& n, const Command& c) {
    const bool shipped = c.has("shipped");
    if (shipped && !c.args.empty()) return fail(Errc::usage, "--shipped 不带文件 / --shipped goes without a file");
    if (!shipped && (c.args.empty() || c.has("show"))) return show(n);
    auto& replica = n.replica();
    const auto* own = replica.control().cert(replica.id());
    if (!own || own->unit != replica.control().root())
        return fail(Errc::not_allowed,
                    "目录只由市级根服务器发布 / only the server of the city's root publishes a catalog");
    auto text = std::string(embedded::ledger_catalog);
    if (!shipped) {
        TRY(text, node::read_file(c.args[0], kCatalogFileMax));
    }
    if (!is_utf8(text)) return fail(Errc::bad_input, "目录文件不是 UTF-8 / the catalog's file is not UTF-8");
    const auto parsed = Catalog::parse(
        text, shipped ? std::string("ledger.toml") : std::filesystem::path(c.args[0]).filename().string());
    if (!parsed) return not_published(parsed.error());
    TRY(const auto changes, check(replica.control(), **parsed));
    json::array lines;
    for (const auto& l : changes) lines.push_back(json::string(l.both()));
    json::object out{
        {"version", (*parsed)->version()}, {"changes", std::move(lines)}, {"published", !c.has("dry-run")}};
    if (!c.has("dry-run")) {
        TRY_VOID(heed_alone(n, c));
        TRY(const auto pos, replica.append_control("catalog", std::move(text)));
        out["control"] = pos.value;
    }
    return json::value(std::move(out));
}

}  // namespace taizhang::api
