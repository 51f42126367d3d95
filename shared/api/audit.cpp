#include "api/audit.h"

#include "api/new_file.h"
#include "ledger/audit.h"
#include "ledger/contradictions.h"
#include "ledger/times.h"
#include "replica/checkpoint_file.h"

#include <boost/json.hpp>

#include <filesystem>

namespace taizhang::api {

namespace json = boost::json;

namespace {

constexpr std::size_t kLinesShown = 3;

/// A day means all of it: from its beginning, or up to its end.
Result<std::optional<std::int64_t>> moment(const Command& c, const char* option, bool is_end) {
    if (!c.has(option)) return std::optional<std::int64_t>();
    const auto text = c.option(option);
    TRY(const auto seconds, ledger::parse_time_seconds(text));
    const bool is_day = ledger::is_calendar_date(text);
    return std::optional<std::int64_t>(seconds * 1000 + (is_end ? (is_day ? ledger::kDayMs : 1000) : 0));
}

/// Some of the findings in one line, and how many there are.
std::string some(const std::vector<std::string>& lines, bool zh) {
    std::string out;
    for (std::size_t i = 0; i < std::min(lines.size(), kLinesShown); ++i) {
        const auto middle = lines[i].find(" / ");
        out += (i == 0 ? ""
                : zh   ? ";"
                       : "; ") +
               (zh                            ? lines[i].substr(0, middle)
                : middle == std::string::npos ? lines[i]
                                              : lines[i].substr(middle + 3));
    }
    if (lines.size() > kLinesShown) {
        const auto n = std::to_string(lines.size());
        out += zh ? " 等,共 " + n + " 处" : " and more, " + n + " in all";
    }
    return out;
}

/// A copy for whoever looks into it; where it lies.
Result<std::string> keep_evidence(node::Node& n, std::string_view file) {
    const auto folder = n.dir().file("evidence");
    std::error_code ec;
    std::filesystem::create_directories(folder, ec);
    std::filesystem::permissions(folder, std::filesystem::perms::owner_all, ec);
    const auto path = folder + "/checkpoint-" + hash_of(file).hex().substr(0, 16) + ".tzc";
    if (!node::exists(path)) TRY_VOID(node::write_file(path, file));
    return path;
}

Result<json::object> compare_file(node::Node& n, const std::string& path) {
    auto& r = n.replica();
    TRY(const auto bytes, node::read_file(path, kCheckpointFileMax));
    TRY(const auto f, compare_with(r, bytes));
    const auto when = ledger::format_local(f.at_ms).substr(0, 16);
    const auto by_zh = f.unit + " 于 " + when + " 签的检查点",
               by_en = "the checkpoint that " + f.unit + " signed at " + when;
    if (!f.differs.empty()) {
        TRY(const auto kept, keep_evidence(n, bytes));
        TRY_VOID(ledger::note_contradicting_file(r, bytes, f.differs.front(), kept));
        return fail(
            Errc::corrupt,
            "本机日志与" + by_zh + "不符:" + some(f.differs, true) +
                "。本机日志被改过,或签发方有两种说法;检查点已留作证据:" + kept + " / the log here is not what " +
                by_en + " says: " + some(f.differs, false) +
                "; the log was altered, or the signer shows two faces; the checkpoint is kept as evidence: " + kept);
    }
    if (!f.missing.empty()) {
        TRY(const auto restored, r.fact("hub/restored"));
        return fail(
            Errc::corrupt,
            by_zh + "里有的,本机没有:" + some(f.missing, true) +
                (restored.empty() ? "。被删除,或还没有同步到本机"
                                  : "。本服务器由备份恢复过,下级同步后会补回;补回后再核对") +
                " / not here although " + by_en + " has it: " + some(f.missing, false) +
                (restored.empty() ? "; it was removed, or has not been synced yet"
                                  : "; this server was put back from a backup: what it lacks comes back as those "
                                    "below sync, verify again then"));
    }
    if (!f.added.empty())
        return fail(Errc::corrupt, by_zh + "之后多出了内容:" + some(f.added, true) + " / there is more than " + by_en +
                                       " says: " + some(f.added, false));
    return json::object{{"signed_by", f.unit},  {"level", name_of(f.level)},
                        {"device", f.label},    {"time", ledger::format_local(f.at_ms)},
                        {"streams", f.streams}, {"chains", f.chains},
                        {"commits", f.commits}, {"not_held", f.not_held}};
}

}  // namespace

Result<json::value> audit(node::Node& n, const Command& c) {
    ledger::AuditQuery q;
    TRY(q.since_ms, moment(c, "since", false));
    TRY(q.until_ms, moment(c, "until", true));
    q.unit = c.option("unit");
    q.person = c.option("person");
    q.device = c.option("device");
    auto limit = ledger::kAuditPageMax;
    if (c.has("limit")) {
        char* end = nullptr;
        const auto text = c.option("limit");
        limit = std::strtoull(text.c_str(), &end, 10);
        if (end == text.c_str() || *end != 0 || limit == 0)
            return fail(Errc::usage, "--limit 要是正整数 / --limit must be a whole number above 0");
    }
    TRY(auto page, ledger::audit(n.replica(), q, c.option("after"), limit));
    return json::value(std::move(page));
}

Result<json::value> verify(node::Node& n, const Command& c) {
    json::object out;
    // What a checkpoint says of a place is more telling than that the log does not fit together there.
    if (c.has("checkpoint")) {
        TRY(out["checkpoint"], compare_file(n, c.option("checkpoint")));
    }
    TRY(const bool has_sums, n.replica().database().check_pages());
    TRY(const auto commits, n.replica().verify());
    out["ok"] = true;
    out["commits"] = commits;
    out["page_checksums"] = has_sums;
    return json::value(std::move(out));
}

Result<json::value> checkpoint(node::Node& n, const Command& c) {
    auto& r = n.replica();
    const auto path = c.option("out");
    if (!path.empty()) TRY_VOID(check_is_new(path));
    const auto* own = r.control().cert(r.id());
    const bool is_city = own && own->unit == r.control().root();
    json::array streams;
    if (is_city || path.empty()) {
        TRY(const auto written, r.checkpoint());
        for (const auto& x : written) streams.push_back(json::string(x.stream.str()));
    }
    TRY(const auto all, r.checkpoints());
    TRY(const auto backup, r.fact("backup/lsn"));
    json::object o{{"streams", std::move(streams)},
                   {"covered", all.size()},
                   {"commits", r.log_head().value},
                   {"backed_up", backup.empty() ? std::uint64_t{0} : std::strtoull(backup.c_str(), nullptr, 10)}};
    if (!path.empty()) {
        TRY(const auto bytes, make_checkpoint_file(r));
        TRY_VOID(node::write_file(path, bytes));
        o["file"] = path;
        o["bytes"] = bytes.size();
    }
    return json::value(std::move(o));
}

Result<std::uint64_t> audit_all(const Ask& ask, Command command, const AuditTaker& taker) {
    std::uint64_t count = 0;
    for (;;) {
        TRY(const auto document, ask(command));
        const auto& page = document.as_object();
        for (const auto& e : page.at("entries").as_array()) {
            TRY_VOID(taker.entry(e.as_object()));
            ++count;
        }
        if (taker.progress)
            taker.progress(page.at("read").to_number<std::uint64_t>(), page.at("of").to_number<std::uint64_t>());
        if (page.at("next").is_null()) return count;
        command.options["after"] = std::string(page.at("next").as_string());
    }
}

}  // namespace taizhang::api
