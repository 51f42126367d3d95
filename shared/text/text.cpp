#include "text/text.h"

#include <cstdlib>
#include <map>

namespace taizhang::text {
namespace {

struct Words {
    const char *zh, *en;
};

const std::map<Msg, Words>& table() {
    static const std::map<Msg, Words> t = {
        {Msg::saved, {"已保存到本机硬盘:{}", "saved on this PC's disk: {}"}},
        {Msg::saved_as, {"新记录 {}", "new record {}"}},
        {Msg::no_records, {"没有记录", "no records"}},
        {Msg::n_records, {"共 {} 条", "{} records"}},
        {Msg::state, {"状态", "state"}},
        {Msg::conflicts_title, {"冲突台账", "conflict ledger"}},
        {Msg::open_conflict, {"待裁定", "open"}},
        {Msg::decided, {"已有结论", "decided"}},
        {Msg::winner, {"采用", "stands"}},
        {Msg::loser, {"留存", "kept beside"}},
        {Msg::why, {"依据", "why"}},
        {Msg::history, {"经过", "history"}},
        {Msg::accepted, {"有效", "accepted"}},
        {Msg::not_accepted, {"未生效", "not accepted"}},
        {Msg::allowed_now, {"现在可以", "allowed now"}},
        {Msg::township_has, {"乡镇已收到", "the township has it"}},
        {Msg::city_has, {"市级已收到", "the city has it"}},
        {Msg::not_yet, {"尚未上报", "not sent yet"}},
        {Msg::unsent, {"未上报 {} 条", "{} not yet sent"}},
        {Msg::last_sync, {"上次同步 {}", "last sync {}"}},
        {Msg::never_synced, {"从未同步", "never synced"}},
        {Msg::waiting, {"等待 {} 条", "{} waiting"}},
        {Msg::needs_program,
         {"有 {} 条修改需要更新的程序才能显示(已存、照常转发),请升级本机程序",
          "{} changes need a newer program to be shown (they are kept and passed on): upgrade this program"}},
        {Msg::needs_program_rows, {"需要更新的程序才能全部显示:{}", "need a newer program to be shown in full: {}"}},
        {Msg::catalog_published,
         {"目录第 {} 版已发布({} 处变化),各处同步后生效",
          "catalog version {} published ({} changes); it takes effect "
          "wherever it arrives by sync"}},
        {Msg::catalog_would,
         {"目录第 {} 版可以发布({} 处变化),没有发布",
          "catalog version {} may be published ({} changes); nothing was published"}},
        {Msg::clock_trusted, {"时钟可信", "clock trusted"}},
        {Msg::clock_low, {"时钟不可信,时间标为待核", "clock not trusted, times are marked unverified"}},
        {Msg::open_conflicts, {"待裁定冲突 {} 处", "{} open conflicts"}},
        {Msg::verified_ok, {"核对无误:{} 个提交,数据表与日志一致", "verified: {} commits, tables equal the log"}},
        {Msg::no_page_sums,
         {"这个数据库由旧版本写成,太大,没有校验页:磁盘改变的内容要到核对时才能发现;用 backup 另存,再用 restore "
          "恢复,就有了",
          "an older version wrote this database, which is too large to be converted, without page checksums: what a "
          "disk "
          "changes is noticed by verify only; a backup has them, restore it"}},
        {Msg::sync_done,
         {"同步完成:上报 {} 条,收到 {} 条,往返 {} 次,{} 字节上行,{} 字节下行",
          "synced: {} up, {} down, {} round trips, {} bytes up, {} bytes down"}},
        {Msg::sync_refused, {"服务器未接受:{}", "not taken by the server: {}"}},
        {Msg::sync_progress, {"正在同步:已上报 {}/{} 条,收到 {} 条", "syncing: {} of {} sent, {} received"}},
        {Msg::agent_resting, {"{} 秒后再同步", "next sync in {} s"}},
        {Msg::agent_offline, {"没有网络,一有网络就同步", "no link: syncing as soon as there is one"}},
        {Msg::agent_failing, {"同步没有成功,{} 秒后再试:{}", "the sync did not succeed, again in {} s: {}"}},
        {Msg::agent_live, {"实时接收上级的变化", "changes above come at once"}},
        {Msg::offline_kept,
         {"连不上服务器;{} 条修改保存在本机,{}再试({})",
          "the server cannot be reached; {} edits are kept on this PC, trying again {} ({})"}},
        {Msg::enrolled, {"已登记为 {} 的电脑,收到 {} 条", "enrolled for {}, {} commits fetched"}},
        {Msg::code_is, {"登记码 {}(单位 {},{} 前有效)", "code {} (unit {}, valid until {})"}},
        {Msg::revoked, {"已吊销 {};它的 {} 条提交被隔离", "revoked: {}; {} of its commits are quarantined"}},
        {Msg::released, {"已放行 {}", "released: {}"}},
        {Msg::request_made,
         {"申请已写到 {},请带给上级,由其 enrol --answer",
          "request written to {}: take it to the office above (enrol --answer)"}},
        {Msg::enrolled_by_file, {"已登记到 {};电脑核对码 {}", "enrolled for {}; the device's fingerprint {}"}},
        {Msg::keys_wrapped,
         {"密钥已用口令保护;支部打开界面时输入口令,其余命令用 TAIZHANG_PASSPHRASE_FILE 指明口令文件",
          "the keys are protected: a branch's screens ask for the passphrase, all other commands take it from the file "
          "that TAIZHANG_PASSPHRASE_FILE names"}},
        {Msg::keys_plain, {"密钥不再用口令保护", "the keys are not protected by a passphrase any more"}},
        {Msg::code_hint, {"核对码 {}", "fingerprint {}"}},
        {Msg::code_servers, {"服务器地址 {}", "address of this server {}"}},
        {Msg::serving, {"正在服务:{}", "serving on {}"}},
        {Msg::port_file, {"端口写入 {}", "port written to {}"}},
        {Msg::stopped, {"已停止,数据完好", "stopped, data is safe"}},
        {Msg::imported,
         {"已建立:{} 个单位,{} 条记录,{} 个提交,用时 {} 秒", "made: {} units, {} records, {} commits, {} s"}},
        {Msg::importing, {"正在导入 {}", "importing {}"}},
        {Msg::ignored_keys, {"未录入的键:{}", "keys not in the catalog, left out: {}"}},
        {Msg::files_offline,
         {"记录已同步;还有 {} 个附件保存在本机,下次从断点续传({})",
          "the records are synced; {} attachments are kept on this PC and go on from where they stopped ({})"}},
        {Msg::fetch_offline,
         {"连不上服务器;已记下要取的附件,下次同步或用 U 盘取回({})",
          "the server cannot be reached; what is wanted is noted and comes with the next sync or by stick ({})"}},
        {Msg::files_done,
         {"附件:上传 {} 个,收到 {} 个,对方已有 {} 个,{} 字节上行,{} 字节下行",
          "attachments: {} up, {} down, {} were there already, {} bytes up, {} bytes down"}},
        {Msg::files_left, {"附件未上传 {} 个", "{} attachments not yet sent"}},
        {Msg::attachments, {"附件", "attachments"}},
        {Msg::attached, {"已附上 {}({} 字节)", "attached {} ({} bytes)"}},
        {Msg::content_here, {"在本机", "here"}},
        {Msg::content_part, {"已到 {} / {} 字节", "{} of {} bytes here"}},
        {Msg::content_not_here, {"尚未到达", "not here yet"}},
        {Msg::content_asked, {"已请求,到达后可见", "asked for"}},
        {Msg::content_kept, {"存在本机,上级需要时再传", "kept here until the office above asks for it"}},
        {Msg::content_refused, {"上级未接收:{}", "not taken above: {}"}},
        {Msg::content_written, {"已写到 {}({} 字节)", "written to {} ({} bytes)"}},
        {Msg::content_units, {"共 {} 个附件,{} 字节;每单位配额 {} MB", "{} contents, {} bytes; {} MB for each unit"}},
        {Msg::review_title, {"综合研判", "consolidated review"}},
        {Msg::review_gap, {"五个落差", "the five gaps"}},
        {Msg::review_units, {"单位与红黄绿灯", "units and lights"}},
        {Msg::too_few, {"样本太少", "too few"}},
        {Msg::syncing, {"正在同步 {}", "syncing with {}"}},
        {Msg::fetching, {"正在取回数据", "fetching"}},
        {Msg::exported, {"已导出 {}:{} 条,{} 字节", "wrote {}: {} commits, {} bytes"}},
        {Msg::export_receipt, {"没有新内容,文件里只有回执", "nothing new: it holds receipts only"}},
        {Msg::export_to_above,
         {"请交给上级导入;收到回执之前仍算未上报", "for the office above; it counts as sent when its receipt is back"}},
        {Msg::bundle_taken,
         {"{}(来自 {},第 {}/{} 份):新 {} 条,已有 {} 条", "{} (from {}, part {} of {}): {} new, {} known"}},
        {Msg::bundle_held, {"{} 条先存着,等前面的到了再生效", "{} held until what comes before them is here"}},
        {Msg::bundle_missing, {"还缺:{}", "still missing: {}"}},
        {Msg::unit_changed, {"单位 {} 已调整,随同步下达", "unit {} changed; it spreads by sync"}},
        {Msg::enrol_again,
         {"本机要重新登记:请向上级要新的登记码(enrol)", "this PC must enrol again: ask for a new code"}},
        {Msg::merged_into, {"本单位已并入 {}", "this unit was merged into {}"}},
        {Msg::unit_closed,
         {"本单位已撤销,没有接续的单位;写过的都已保留,本机只能查看",
          "this unit was closed and no other one follows it; what was written is kept, and this PC can only read"}},
        {Msg::out_of_scope,
         {"{} 已不归本单位,在它名下写的 {} 条还没有发出:下次同步或导出时照样上交",
          "{} is not this office's any more; {} edits under it are not sent yet: the next sync or export hands them "
          "up"}},
        {Msg::checkpoint_made,
         {"已签检查点:{} 个流,共覆盖 {} 个", "checkpoint signed in {} streams, {} covered in all"}},
        {Msg::checkpoint_file,
         {"检查点已写到 {}({} 字节):请另存他处,日后用 verify --checkpoint 核对",
          "the checkpoint is in {} ({} bytes): keep it elsewhere, verify --checkpoint compares with it"}},
        {Msg::verified_since,
         {"{} 于 {} 签的检查点以来没有改动:{} 条链、{} 条提交都在原处",
          "nothing was altered since the checkpoint that {} signed at {}: {} chains, {} commits stand where they "
          "stood"}},
        {Msg::audit_progress, {"审计:已读 {}/{}", "audit: {} of {} read"}},
        {Msg::audit_written, {"审计记录已写到 {}:{} 条", "the audit is in {}: {} entries"}},
        {Msg::audit_done, {"共 {} 条", "{} entries"}},
        {Msg::compacted,
         {"精简了 {} 字节的旧历史(市级备份里有)", "dropped {} bytes of old history (the city's backup has it)"}},
        {Msg::history_elsewhere,
         {"更早的历史在上级服务器,不在本机", "earlier history is on the server above, not here"}},
        {Msg::arrived_late, {"迟到 {} 天", "arrived {} days late"}},
        {Msg::backup_made, {"已备份到 {}:{} 条,{} 字节", "backed up to {}: {} commits, {} bytes"}},
        {Msg::backup_keys_open,
         {"注意:{} 里的密钥没有口令保护,谁拿到就能冒充本机;请与备份分开保管,或加 --passphrase-file 重新备份",
          "note: the keys in {} are not protected: whoever has that file can pose as this node; keep it apart from the "
          "backup, or back up again with --passphrase-file"}},
        {Msg::restored,
         {"已由备份恢复 {}({},{} 条);备份之后的内容会由下级重新送上来",
          "restored {} ({}, {} commits); what came after the backup will be sent again by those below"}},
        {Msg::city_written, {"已导出 {}:{} 字节", "wrote {}: {} bytes"}},
        {Msg::sheet_written, {"已导出 {}:{} 行", "wrote {}: {} rows"}},
        {Msg::sheet_place, {"第 {} 行 {} 列 {}", "row {}, column {}, {}"}},
        {Msg::sheet_row, {"第 {} 行", "row {}"}},
        {Msg::sheet_create, {"新建", "new"}},
        {Msg::sheet_change, {"修改", "change"}},
        {Msg::sheet_refuse, {"未采用", "refused"}},
        {Msg::sheet_same, {"无变化", "unchanged"}},
        {Msg::sheet_ignored, {"没有用到的列:{}", "columns that were not used: {}"}},
        {Msg::sheet_result,
         {"新建 {} 行,修改 {} 行,无变化 {} 行,有未采用内容 {} 行,格式问题 {} 处",
          "{} rows new, {} changed, {} unchanged, {} with something refused, {} faults of form"}},
        {Msg::document_written, {"已写出 {}({})", "wrote {} ({})"}},
        {Msg::launch_address,
         {"在本机浏览器打开(只能用一次,再要时用 open):{}",
          "open in a browser on this PC (good once; `open` gives another): {}"}},
        {Msg::person_done, {"已办:{}(共 {} 个账号)", "done: {} ({} accounts)"}},
        {Msg::no_accounts,
         {"还没有账号;用 person add 账号 --role administrator 建第一个",
          "no accounts yet: `person add LOGIN --role administrator` makes the first"}},
        {Msg::closed_to_network,
         {"本服务器还没有账号,界面只在本机打开;请在服务器上运行 taizhangd person add 账号 --role administrator",
          "this server has no accounts yet, its screens open on that computer only: run `taizhangd person add LOGIN "
          "--role administrator` there"}},
        {Msg::code_prompt, {"登记码(不显示):", "one-time code (not shown): "}},
        {Msg::password_prompt, {"密码(至少 10 个字符,不显示):", "password (at least 10 characters, not shown): "}},
        {Msg::password_again, {"再输一次:", "once more: "}},
        {Msg::sheet_dry_run, {"这是预演,没有写入", "a dry run: nothing was written"}},
    };
    return t;
}

enum class Language { zh, en, both };

Language language() {
    const char* l = std::getenv("TAIZHANG_LANG");
    const std::string_view v = l ? l : "";
    return v == "zh" ? Language::zh : v == "en" ? Language::en : Language::both;
}

std::string fill(std::string_view pattern, std::initializer_list<std::string_view> values) {
    std::string out;
    auto next = values.begin();
    for (std::size_t i = 0; i < pattern.size(); ++i) {
        if (pattern.substr(i, 2) == "{}" && next != values.end()) {
            out += *next++;
            ++i;
        } else {
            out.push_back(pattern[i]);
        }
    }
    return out;
}

}  // namespace

std::string say(Msg m, std::initializer_list<std::string_view> values) {
    const auto& w = table().at(m);
    switch (language()) {
        case Language::zh: return fill(w.zh, values);
        case Language::en: return fill(w.en, values);
        case Language::both: break;
    }
    return fill(w.zh, values) + " / " + fill(w.en, values);
}

std::string both(Msg m, std::initializer_list<std::string_view> zh, std::initializer_list<std::string_view> en) {
    const auto& w = table().at(m);
    return fill(w.zh, zh) + " / " + fill(w.en, en);
}

std::pair<std::string, std::string> halves(std::string_view text) {
    const auto cut = text.find(" / ");
    if (cut == std::string_view::npos) return {std::string(text), std::string(text)};
    return {std::string(text.substr(0, cut)), std::string(text.substr(cut + 3))};
}

std::string choose(std::string_view text) {
    if (language() == Language::both) return std::string(text);
    auto [zh, en] = halves(text);
    return language() == Language::zh ? zh : en;
}

}  // namespace taizhang::text
