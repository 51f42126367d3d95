#include "ledger/notices.h"

#include "ledger/contradictions.h"
#include "ledger/times.h"
#include "ledger/words.h"
#include "sync/restored.h"

#include <algorithm>

namespace taizhang::ledger {
namespace {

constexpr std::int64_t kShownMs = 30 * kDayMs;

std::string copied(const std::string& at) {
    return "本机的数据是复制的或由旧备份恢复的(" + at +
           " 发现):各处写过的都保留,本机已换新编号继续;如果另有电脑在用同一份数据,请给它单独登记 / this PC's data was "
           "copied, or put back from an old backup (noticed " +
           at +
           "): what was written anywhere is kept, and this PC goes on under a new number; if another PC runs on the "
           "same data, enrol it by itself";
}

std::string server_restored(const std::string& at) {
    return "本服务器由备份恢复(" + at + "):缺的内容在下级同步时自动补回 / this server was put back from a backup (" +
           at + "): what it lacks comes back by itself as those below sync";
}

std::string log_waits(const sync::RestoredProgress& p) {
    const auto met = std::to_string(p.met) + "/" + std::to_string(p.wanted);
    return "恢复后暂不能改单位、目录和吊销:等近来用过的下级电脑同步(已 " + met +
           " 台) / units, catalog and revocations have to wait after the restore: devices of late that have synced "
           "since: " +
           met;
}

std::string hub_renewed(const std::string& at) {
    return "上级服务器恢复过或重装过(" + at +
           "):已与它逐项核对,它缺的由本机补上 / the server above was put back or set up anew (" + at +
           "): both sides were compared, and what it lacked went up again";
}

/// The units whose PCs wrote two commits at one place.
Result<std::vector<std::string>> doubled_units(Replica& r, const std::vector<Contradiction>& told) {
    std::vector<std::string> units;
    const auto* own = r.control().cert(r.id());
    TRY(const auto forks, r.facts("fork/"));
    for (const auto& [key, seq] : forks) {
        ReplicaId id;
        const auto raw = from_hex(std::string_view(key).substr(key.rfind('/') + 1));
        if (raw.size() == id.bytes.size()) std::memcpy(id.bytes.data(), raw.data(), raw.size());
        const auto* cert = r.control().cert(id);
        if (!cert || (own && cert->unit == own->unit)) continue;
        const auto number = id.hex().substr(0, 8);
        if (std::any_of(told.begin(), told.end(), [&](const auto& c) { return c.where.find(number) != c.where.npos; }))
            continue;
        const auto name = unit_name(r.control(), cert->unit) + " (" + number + ")";
        if (std::find(units.begin(), units.end(), name) == units.end()) units.push_back(name);
    }
    return units;
}

}  // namespace

Result<std::vector<std::string>> notices(Replica& r) {
    std::vector<std::string> out;
    const auto now = r.now();
    TRY(const auto events, r.facts("notice/"));
    const bool is_restored =
        std::any_of(events.begin(), events.end(), [](const auto& e) { return e.first == "notice/restored"; });
    for (const auto& [key, value] : events) {
        const auto ms = std::strtoll(value.c_str(), nullptr, 10);
        if (ms + kShownMs < now.ms) continue;
        const auto at = format_local(ms).substr(0, 16);
        if (key == "notice/copied" && !is_restored) out.push_back(copied(at));
        if (key == "notice/restored") out.push_back(server_restored(at));
        if (key == "notice/hub") out.push_back(hub_renewed(at));
    }
    TRY(const auto waits, sync::restored_progress(r));
    if (waits) out.push_back(log_waits(*waits));
    TRY(const auto two_words, contradictions(r));
    for (const auto& c : two_words)
        if (!c.is_explained || c.noticed_ms + kShownMs >= now.ms) out.push_back(c.line());
    TRY(const auto doubled, doubled_units(r, two_words));
    for (const auto& unit : doubled)
        out.push_back(unit + " 有两台电脑用过同一份数据(复制或恢复):两边写的都保留,请提醒该单位 / two PCs of " + unit +
                      " ran on the same data (a copy or a restore): what both wrote is kept; tell that unit");
    if (now.unverified)
        out.push_back(
            "本机时钟不可信,这期间写的记录标为“时间待核”,不会因此算作逾期;请校准时钟 / this PC's clock cannot be "
            "trusted: what is written meanwhile is marked 'time unverified' and is not overdue for it; set the clock");
    return out;
}

}  // namespace taizhang::ledger
