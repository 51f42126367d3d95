#include "client/cli/cli.h"

#include "api/files.h"
#include "api/first_enrolment.h"
#include "api/front.h"
#include "api/person_commands.h"
#include "api/serve.h"
#include "client/cli/audit.h"
#include "client/cli/init.h"
#include "node/browser.h"
#include "node/process.h"
#include "node/terminal.h"
#include "text/text.h"

#include <CLI/CLI.hpp>
#include <boost/json.hpp>

#include <unistd.h>

#include <csignal>
#include <cstring>
#include <filesystem>
#include <iostream>

namespace taizhang::cli {
namespace {

namespace json = boost::json;
using api::Command;
using text::Msg;
using text::say;

constexpr const char* kVersion = "0.1.0";

/// What the command line said, whichever command it was.
struct Parsed {
    Command command;
    std::string data, url, code, fingerprint, file, request, take, listen = "127.0.0.1:0", port_file, city;
    std::string certificate, key;
    bool as_json = false, is_secure = false, in_browser = false;
    std::vector<std::string> hosts;
    double idle_minutes = 30, session_hours = 12;
};

class Parser {
public:
    Parser(Program program, Parsed& out)
        : out_(out),
          app_(program == Program::branch ? "台账·支部端 / Taizhang for a branch"
                                          : "台账·服务端 / Taizhang for city, county and township") {
        app_.set_version_flag("--version", kVersion);
        app_.require_subcommand(1);
        app_.fallthrough();
        app_.add_option("--data", out_.data, "数据文件夹 / data folder");
        app_.add_flag("--json", out_.as_json, "输出 JSON / print JSON");
        branch_commands();
        if (program == Program::branch)
            branch_only();
        else
            server_only();
    }

    CLI::App& app() { return app_; }

    /// The first word that should have been a command and is none.
    std::string unknown_command(int argc, char** argv) const {
        for (int i = 1; i < argc; ++i) {
            const std::string word = argv[i];
            if (word == "--data") {
                ++i;
            } else if (!word.starts_with("-")) {
                const auto known = app_.get_subcommands([&](const CLI::App* sub) { return sub->get_name() == word; });
                return known.empty() ? word : std::string();
            }
        }
        return {};
    }

private:
    CLI::App* add(const char* name, const char* help) {
        auto* sub = app_.add_subcommand(name, help);
        sub->fallthrough();
        sub->callback([this, name] { out_.command.name = name; });
        return sub;
    }

    void option(CLI::App* sub, const std::string& name, const char* help) {
        sub->add_option_function<std::string>(
            "--" + name, [this, name](const std::string& v) { out_.command.options[name] = v; }, help);
    }
    void flag(CLI::App* sub, const std::string& name, const char* help) {
        sub->add_flag_callback(
            "--" + name, [this, name] { out_.command.options[name] = "1"; }, help);
    }
    /// An option that may stand there several times; the values go along as lines.
    void lines(CLI::App* sub, const std::string& name, const char* help) {
        sub->add_option_function<std::vector<std::string>>(
               "--" + name,
               [this, name](const std::vector<std::string>& all) {
                   auto& text = out_.command.options[name];
                   for (const auto& v : all) text += (text.empty() ? "" : "\n") + v;
               },
               help)
            ->take_all();
    }
    void args(CLI::App* sub, const char* name, const char* help, int n) {
        auto* o = sub->add_option(name, out_.command.args, help)->required();
        if (n > 0) o->expected(n);
    }

    void branch_commands() {
        args(add("list", "列出 tasks assignments rectifications conflicts todo unsent 或任一种记录 / list records"),
             "what", "tasks|assignments|rectifications|conflicts|todo|ENTITY", 1);
        args(add("show", "一条记录及其经过 / one record with its history"), "id", "编号 / id", 1);
        auto* report = add("report", "填报进展 / report progress");
        args(report, "assignment", "分解编号 / assignment id", 1);
        option(report, "value", "填报值 / reported value");
        option(report, "text", "进展情况 / text");
        lines(report, "extra", "附加填报项 名称=值(可多次)/ the issuer's own field NAME=VALUE, repeatable");
        flag(report, "claim-complete", "自报完成 / claims to be complete");
        flag(report, "no-change", "没有变化 / no change");
        option(report, "person", "填报人 / person");
        auto* set = add("set", "改字段 / edit fields: set ID FIELD=VALUE…");
        args(set, "id field=value", "编号 字段=值… / id field=value…", -1);
        option(set, "person", "填写人 / person");
        auto* create = add("new", "新建记录 / a new record: new ENTITY FIELD=VALUE…");
        args(create, "entity field=value", "种类 字段=值… / entity field=value…", -1);
        option(create, "person", "填写人 / person");
        auto* act = add("do", "办一步,一条或一批 / do a transition on one record or many: do TRANSITION ID…");
        args(act, "transition id", "步骤 编号… / transition id…", -1);
        option(act, "reason", "理由 / reason");
        option(act, "text", "说明 / text");
        option(act, "new_deadline", "新时限 / new deadline");
        option(act, "state", "状态 / state (carry_over)");
        option(act, "person", "经办人 / person");
        auto* resolve = add("resolve", "裁定冲突 / settle a conflict");
        args(resolve, "conflict", "冲突编号 / conflict id", 1);
        option(resolve, "pick", "mine|theirs|文字 / mine|theirs|TEXT");
        option(resolve, "person", "裁定人 / person");
        add("sync", "现在同步 / sync now");
        flag(add("status", "未上报、上次同步、等待 / unsent, last sync, waiting"), "short", "一行 / in one line");
        option(add("verify", "由日志重建并核对 / rebuild from the log and compare"), "checkpoint",
               "也与这份检查点核对 / compare with this checkpoint file too");
        auto* audit = add("audit", "谁在何时何机做了什么 / who did what, when, on which device");
        option(audit, "since", "从(日期或时间)/ from this day or time");
        option(audit, "until", "到(含当天)/ through this day or time");
        option(audit, "unit", "单位及下级 / this unit and below");
        option(audit, "person", "人员 / person");
        option(audit, "device", "电脑编号(开头)或名称 / beginning of a device's number, or its name");
        option(audit, "out", "写到 .csv、.xlsx 或 .jsonl / write a .csv, .xlsx or .jsonl");
        option(add("checkpoint", "签检查点 / sign a checkpoint"), "out",
               "写成文件,另存他处 / into a file, to be kept elsewhere");
        option(add("digest", "各流的校验值 / digests of the streams"), "stream", "只要这个流 / this stream only");
        args(add("sql", "只读查询 / read-only query"), "select", "SELECT …", 1);
        auto* attach = add("attach", "附上照片或文件 / attach a photo or document: attach ID FILE");
        args(attach, "id file", "编号 文件 / id and file", 2);
        option(attach, "name", "显示的文件名 / name to show");
        option(attach, "person", "经办人 / person");
        args(add("fetch", "取回不在本机的附件 / fetch attachments that are not here"), "id", "编号或 hash / id or hash",
             1);
        auto* file = add("file", "把附件写到文件 / write an attachment to a file");
        args(file, "id", "编号或 hash / id or hash", 1);
        option(file, "out", "文件或文件夹 / file or folder");
        auto* files = add("files", "附件占用和配额 / room that attachments take");
        option(files, "quota-mb", "每单位配额 MB / quota of a unit in MB");
        option(files, "on-demand", "只在需要时接收 yes|no / take only what is asked for");
        auto* bundle = add("export", "导出交换文件到 U 盘 / write a bundle for a stick");
        args(bundle, "file", "文件或文件夹 / file or folder", 1);
        option(bundle, "to", "给哪个单位(默认:上级)/ for which unit (default: whoever is above)");
        flag(bundle, "all", "全部,不只是对方没有的 / everything, not only what they lack");
        option(bundle, "max-mb", "每个文件最大 MB(默认 4)/ largest file in MB (default 4)");
        option(bundle, "files-mb", "附件最多 MB(默认 64)/ attachments, at most MB (default 64)");
        args(add("import", "导入交换文件 / take bundles"), "file", "文件… / files", -1);
        auto* backup = add("backup", "备份(可在服务时)/ back up, while serving too");
        args(backup, "file", "文件 / file", 1);
        option(backup, "passphrase-file",
               "密钥的副本用这个文件里的口令保护 / wrap the copy of the keys by its first line");
        auto* restore = add("restore", "由备份建立 / make a node from a backup");
        args(restore, "file", "文件 / file", 1);
        option(restore, "passphrase-file", "密钥副本的口令在这个文件里 / the first line opens the copy of the keys");
        option(add("compact", "精简本机的旧历史 / drop old history that the city's backup holds"), "keep-days",
               "保留最近多少天 / days of history to keep");
        add("passphrase", "以口令保护密钥 / protect the keys by a passphrase")
            ->add_option("--file", out_.file, "第一行是口令的文件;空:取消 / file whose first line it is; empty: none")
            ->required();
        office_commands();
        people_commands();
        ledger_commands();
        auto* serve = add("serve", "服务 / serve");
        serve->add_option("--listen", out_.listen, "地址:端口 / HOST:PORT");
        serve->add_option("--port-file", out_.port_file, "把端口写到文件 / write the port to this file");
        in_browser(serve);
        serve->add_flag("--tls", out_.is_secure, "本机也用 TLS / TLS on loopback too (beyond it always)");
        auto* own = serve->add_option("--tls-cert", out_.certificate, "自备证书 PEM / the operator's certificate");
        serve->add_option("--tls-key", out_.key, "自备证书的密钥 PEM / its key")->needs(own);
        serve->add_option("--host", out_.hosts, "本服务器的其他名称(可多次)/ another name of this server, repeatable")
            ->take_all();
        serve
            ->add_option("--idle-minutes", out_.idle_minutes,
                         "无人操作多久要重新登录 / sign in again after so long idle")
            ->check(CLI::Range(0.01, 1440.0));
        serve->add_option("--session-hours", out_.session_hours, "登录最长多久 / a sign-in is good for so long")
            ->check(CLI::Range(0.001, 168.0));
    }

    void in_browser(CLI::App* command) {
        command->add_flag("--browser", out_.in_browser, "就在浏览器里打开 / and opens it in the browser");
    }

    void people_commands() {
        auto* person = add("person", "账号:list add role name password remove / accounts of this office");
        args(person, "what login", "list|add|role|name|password|remove 账号 / and the account", -1);
        option(person, "role",
               "角色(可几个,逗号分开)/ roles: clerk secretary township_officer county_officer city_officer "
               "administrator");
        option(person, "name", "姓名,写在提交上 / the name that stands under what is written");
        auto* open =
            add("open", "服务时:打开界面的一次性地址 / while it serves: an address that opens the screens once");
        in_browser(open);
    }

    /// A PC that enrols, a server that joins: by the network, or by two small files.
    void enrolling(CLI::App* command, const char* server_option) {
        command->add_option(server_option, out_.url, "上级服务器 / server above, https://HOST:PORT");
        command->add_option("--code", out_.code,
                            "登记码;- 表示由终端或标准输入给出 / one-time code; -: asked for, not on the command line");
        command->add_option("--fingerprint", out_.fingerprint,
                            "只认这个核对码 / refuse a server with another fingerprint");
        command->add_option("--request", out_.request, "没有网络:申请写到文件 / without a network: write the request");
        command->add_option("--take", out_.take, "没有网络:取用答复文件 / without a network: take the answer");
    }

    void ledger_commands() {
        auto* search = add("search", "查找 / look for words in all records");
        args(search, "word", "词… / words", -1);
        option(search, "limit", "最多几条(默认 50)/ at most so many");
        args(add("story", "一条记录的经过,用文字 / a record's history in words"), "id", "编号 / id", 1);
        auto* undo = add("undo", "撤销本机的上一次修改 / take back this PC's last edit: undo ID [FIELD…]");
        args(undo, "id", "编号 [字段…] / id [field…]", -1);
        option(undo, "person", "填写人 / person");
        auto* decompose = add("decompose", "任务分解 / hand a task down: decompose TASK [UNIT…]");
        args(decompose, "task", "任务 [单位…] / task [unit…]", -1);
        option(decompose, "guidance", "指导意见 / how to do it here");
        option(decompose, "deadline", "完成时限 / deadline");
        option(decompose, "person", "经办人 / person");
        auto* issue = add("issue", "下达任务 / hand a task down to all units of a level: issue [FIELD=VALUE…]");
        issue->add_option("field=value", out_.command.args, "任务的字段 / the task's fields")->expected(0, -1);
        option(issue, "task", "已有任务 / a task that is there");
        option(issue, "under", "在这个单位之下(默认本单位)/ below this unit");
        option(issue, "level", "county|township|branch(默认)/ to which level");
        flag(issue, "dry-run", "预演:发给谁、增加多少负担 / whom it reaches and what it adds; write nothing");
        option(issue, "person", "经办人 / person");
        auto* expected = add("expected", "应落实单位及未到达的 / who is expected, and who was not reached");
        args(expected, "task", "任务 / task", 1);
        option(expected, "unit", "单位 / unit id");
        auto* form = add("form", "附加填报项汇总 / figures of a task's extra form fields");
        args(form, "task", "任务 / task", 1);
        option(form, "unit", "单位 / unit id");
        option(add("duplicates", "疑似重复的问题 / problems that read alike"), "unit", "单位 / unit id");
        auto* merge = add("merge", "并入另一个问题 / merge a problem into another: merge DUPLICATE INTO");
        args(merge, "duplicate into", "重复的 并入的 / duplicate into", 2);
        option(merge, "person", "经办人 / person");
        auto* burden = add("burden", "基层负担 / forms and fields asked of branches in a month");
        option(burden, "unit", "单位 / unit id");
        option(burden, "month", "月份(默认本月)/ month, 2025-11");
        part_of_list(burden);
        auto* meetings =
            add("meetings", "会议:谁未达参会要求、形成哪些任务 / meetings, who failed them, what was decided");
        meetings->add_option("meeting", out_.command.args, "会议编号 / meeting id")->expected(0, 1);
        option(meetings, "unit", "单位及下级 / this unit and below");
        flag(meetings, "failed", "只要未达要求的 / only what was failed");
        auto* convene = add("convene", "通知哪些单位到会 / say who has to come: convene MEETING [UNIT…]");
        args(convene, "meeting", "会议 [单位…] / meeting [unit…]", -1);
        option(convene, "expected", "应到人员及职务(默认按参会要求)/ who is to come");
        option(convene, "person", "经办人 / person");
        option(add("unanswered", "待答复的求助和申诉 / requests that wait for an answer"), "unit", "单位 / unit id");
        figures();
    }

    void part_of_list(CLI::App* sub) {
        option(sub, "limit", "最多几条(默认 1000)/ at most so many");
        option(sub, "offset", "从第几条起 / from this one on");
    }

    void figures() {
        auto* stocktake = add("stocktake", "盘点,数据就此固定 / freeze the figures: stocktake TITLE");
        args(stocktake, "title", "名称 / title", 1);
        option(stocktake, "unit", "单位 / unit id");
        option(stocktake, "person", "经办人 / person");
        auto* compare = add("compare", "盘点对比 / a stocktake beside another, or now: compare STOCKTAKE [OTHER]");
        args(compare, "stocktake", "盘点 [另一次] / stocktake [other]", -1);
        auto* trend = add("trend", "逐月走势 / the figures month by month");
        option(trend, "unit", "单位 / unit id");
        option(trend, "months", "几个月(默认 6)/ how many months");
        auto* breakdown = add("breakdown", "分组统计 / counts by unit, level, field, task or source");
        args(breakdown, "by", "unit|level|field|task|source", 1);
        option(breakdown, "unit", "单位 / unit id");
        auto* behind = add("behind", "一个数背后的记录 / the records behind a figure");
        args(behind, "figure", "G1 G1under G2 G3 G4 G5 level D1 D2 D2help D3 D4 D4unmoved green yellow red blue grey",
             1);
        option(behind, "unit", "单位 / unit id");
        part_of_list(behind);
        add("openapi", "JSON API 的说明 / the JSON API as OpenAPI");
    }

    void office_commands() {
        auto* out = add("export-xlsx", "导出台账 / write a ledger: export-xlsx KIND FILE");
        args(out, "kind file", "assignments|rectifications|attendance 文件 / file.xlsx", 2);
        option(out, "unit", "只要这个单位及下级 / this unit and below");
        option(out, "meeting", "会议编号(签到表)/ meeting id (attendance)");
        flag(out, "with-unfinished", "加“未整改到位”三列 / with the three columns of what is unfinished");
        args(add("export-city", "把本机的全部记录导出为市文件 / write all that is held as a city file"), "file",
             "文件 / file.json", 1);
        auto* in = add("import-xlsx", "导入台账 / take in a ledger");
        args(in, "file", "文件 / file.xlsx", 1);
        flag(in, "dry-run", "预演,不写入 / show what would happen, write nothing");
        option(in, "sheet", "只看这个工作表 / this sheet only");
        option(in, "meeting", "会议编号(签到表)/ meeting id (attendance)");
        flag(in, "new-tasks", "没有的任务就新建 / make tasks that are not there");
        option(in, "person", "填写人 / person");
        auto* circular = add("circular", "编写通报 / compose a circular from findings");
        args(circular, "id", "问题、核查、分解、单位编号… / ids of findings and units", -1);
        option(circular, "kind", "general 综合 | special 专项");
        option(circular, "title", "标题 / title");
        option(circular, "period", "期间 / period");
        option(circular, "issuer", "印发单位 / issuer");
        option(circular, "no", "文号(默认顺编)/ number (default: the next one)");
        option(circular, "demand", "工作要求 / what is asked of the named");
        flag(circular, "dry-run", "预演,不写入 / show what it would be, write nothing");
        option(circular, "figures", "列出的数据 / figures: none | checked,mean,G1,G3,G4,D1,D2,D4");
        option(circular, "text", "正文(代替自动编写的)/ the text, instead of the composed one");
        option(circular, "person", "经办人 / person");
        args(add("circular-docx", "通报写成公文 / a circular as .docx"), "id file", "编号 文件 / id file.docx", 2);
    }

    void branch_only() { enrolling(add("enrol", "登记本机 / enrol this PC"), "--server"); }

    /// Of a command that writes the city's log.
    void alone(CLI::App* a) {
        flag(a, "alone",
             "由备份恢复后,下面已没有别人:不等同步 / after a restore, with nobody left below: wait for no sync");
    }

    void server_only() {
        auto* init = add("init", "由城市文件建立根节点 / make a root from a city file");
        init->add_option("--city", out_.city, "城市文件 / city file (JSON)")->required();
        enrolling(add("join", "作为下级接入 / join below another server"), "--upstream");
        auto* catalog = add("catalog", "查看或发布目录 / look at the catalog, or publish one");
        catalog->callback([this] { out_.command.name = "publish"; });
        catalog->add_option("file", out_.command.args, "目录文件 / catalog file (TOML)")->expected(0, 1);
        flag(catalog, "dry-run", "只说会改什么,不发布 / say what would change, publish nothing");
        flag(catalog, "shipped", "本程序自带的目录 / the catalog that came with this program");
        flag(catalog, "show", "显示现行目录 / show the catalog in force");
        alone(catalog);
        auto* unit =
            add("unit", "调整单位:新建、改名、移动、合并、撤销、拆分 / make, rename, move, merge, close, split a unit");
        args(unit, "unit", "单位编号;拆分时后接带走的记录 / unit id; for a split, the records that go with it", -1);
        option(unit, "name", "名称 / name");
        option(unit, "short", "简称 / short name");
        option(unit, "parent", "上级单位 / unit above");
        option(unit, "level", "branch|township|county|city");
        option(unit, "merge-into", "并入 / merge into this unit");
        flag(unit, "abolish", "撤销 / close");
        option(unit, "split-from", "由此单位拆出 / split from this unit");
        option(unit, "person", "经办人 / person");
        alone(unit);
        add("devices", "登记过的电脑 / the enrolled devices");
        auto* revoke = add("revoke", "吊销一台电脑 / revoke a device (the city's server)");
        args(revoke, "replica", "电脑编号 / replica", 1);
        flag(revoke, "none", "它写过的都不算 / nothing that it wrote counts");
        alone(revoke);
        auto* release = add("release", "放行一条被隔离的提交 / let one quarantined commit count");
        args(release, "stream replica seq", "流 电脑编号 序号 / stream replica seq", 3);
        alone(release);
        auto* enrol = add("enrol", "发登记码 / a one-time code for a device");
        option(enrol, "unit", "单位 / unit id");
        option(enrol, "answer", "不用网络:答复这个申请文件 / without a network: answer this request file");
        enrol->add_option("out", out_.command.args, "答复写到 / where the answer goes");
        option(add("review", "综合研判 / consolidated review"), "unit", "单位 / unit id");
    }

    Parsed& out_;
    CLI::App app_;
};

const char* program_name = "taizhang";

int fail_with(const Error& e) {
    auto line = text::choose(e.detail);
    for (auto& c : line)
        if (c == '\n' || c == '\r') c = ' ';
    std::cerr << program_name << ": " << for_terminal(line) << std::endl;
    return exit_status(e.code);
}

int print(const Parsed& p, const json::value& document) {
    if (p.as_json)
        std::cout << json::serialize(document) << "\n";
    else if (p.command.name == "sync")
        std::cout << for_terminal(api::render_sync(document.as_object()));
    else
        std::cout << for_terminal(api::render(p.command, document));
    std::cout.flush();
    // What was asked for did not arrive where it was wanted: a full disk behind a redirection.
    return std::cout.good() ? 0 : 1;
}

int complain(const Result<>& done) { return done ? 0 : fail_with(done.error()); }

/// An address that opens the screens, of the program that serves; and the browser, if that is wanted.
int open_screens(const Parsed& p) {
    const auto answer = api::ask_serving(p.data, Command{"open", {}, {}});
    if (!answer)
        return fail_with(fail(Errc::not_found, "没有程序在服务,请先运行 serve / nothing serves here: run serve first"));
    if (!*answer) return fail_with(answer->error());
    const auto address = std::string((*answer)->at("address").as_string());
    if (p.as_json)
        std::cout << json::serialize(**answer) << std::endl;
    else if (!p.in_browser)
        std::cout << address << std::endl;
    return p.in_browser ? complain(node::open_browser(p.data, address)) : 0;
}

/// A branch's PC with somebody at its browser, who can be asked there: for a passphrase, for the office above.
bool has_browser(const Parsed& p, const api::ServeOptions& o) {
    return !o.is_hub && !o.is_secure && o.certificate.empty() && api::is_loopback(o.listen) &&
           (p.in_browser || !node::has_person());
}

Result<> serve_folder(const Parsed& p, const api::ServeOptions& o) {
    // Only the icon makes a folder where there is none: whoever types `serve` may have mistyped its name.
    const bool may_be_new = has_browser(p, o) && p.in_browser;
    TRY(auto dir, node::DataDir::open(p.data, may_be_new, std::chrono::seconds(5)));
    if (has_browser(p, o) && node::is_locked(p.data)) return api::serve_locked(std::move(dir), o);
    node::Node::Options folder;
    folder.dir = p.data;
    folder.create = may_be_new;
    TRY(auto node, node::Node::open(folder, std::move(dir)));
    TRY(const bool is_new, api::is_new(*node));
    if (is_new && may_be_new) return api::serve_new(std::move(node), o);
    return api::serve(*node, o);
}

int serve(const Parsed& p, Program program) {
    const bool is_serving = api::ask_serving(p.data, Command{"status", {}, {}}).has_value();
    if (is_serving && p.in_browser) return open_screens(p);  // the icon on the desktop, once more
    if (is_serving)
        return fail_with(
            fail(Errc::busy, "这些数据已有程序在服务:" + p.data + " / this data is being served already: " + p.data));
    api::ServeOptions o;
    o.listen = p.listen;
    o.port_file = p.port_file;
    o.is_secure = p.is_secure;
    o.certificate = p.certificate;
    o.key = p.key;
    o.is_hub = program == Program::server;
    o.hosts = p.hosts;
    o.sessions.idle_ms = static_cast<std::int64_t>(p.idle_minutes * 60'000);
    o.sessions.absolute_ms = static_cast<std::int64_t>(p.session_hours * 3'600'000);
    o.ready = [&p](const std::string& address, const std::string& launch) {
        std::cout << say(Msg::serving, {address}) << std::endl;
        if (p.in_browser) complain(node::open_browser(p.data, launch));  // it serves all the same
        // A secret for the eyes of whoever sits here; behind a pipe it would end up in a log.
        if (::isatty(STDOUT_FILENO) == 1 && launch != address)
            std::cout << say(Msg::launch_address, {launch}) << std::endl;
    };
    o.log = [](const std::string& line) { std::cerr << for_terminal(text::choose(line)) << std::endl; };
    const auto done = serve_folder(p, o);
    if (!done) return fail_with(done.error());
    std::cout << say(Msg::stopped) << std::endl;
    return 0;
}

/// A line that changes where somebody looks at it; what is printed next begins on top of it.
api::Watch watch_sync() {
    if (!shows_progress()) return nullptr;
    return [](const node::SyncProgress& p) {
        std::cerr << say(Msg::sync_progress,
                         {std::to_string(p.sent), std::to_string(p.to_send), std::to_string(p.received)})
                  << "    \r" << std::flush;
    };
}

/// A branch's PC enrols, a server joins: the same thing. With data already here it goes over to another hub.
int enrol_device(const Parsed& p, bool is_hub) {
    const bool by_file = !p.request.empty() || !p.take.empty();
    if (by_file ? !p.request.empty() && !p.take.empty() : p.url.empty() || p.code.empty())
        return fail_with(fail(Errc::usage,
                              "请给出 --server 和 --code;没有网络时用 --request 或 --take / give --server and --code; "
                              "without a network, --request or --take"));
    if (api::ask_serving(p.data, Command{"status", {}, {}}))
        return fail_with(fail(Errc::busy, "这些数据已有程序在服务,请先停止:" + p.data +
                                              " / this data is being served: stop that program first: " + p.data));
    // A folder that was made for nothing is taken away again.
    const bool was_there = node::has_database(p.data), had_key = node::exists(p.data + "/" + node::kKeyFile);
    auto made = [&]() -> Result<json::value> {
        TRY(auto node, node::Node::open({p.data, true, std::chrono::seconds(5)}));
        TRY(const auto token, node->replica().fact("upstream/token"));
        if (token.empty() && !node->replica().control().root().empty())
            return fail(Errc::not_allowed, "这里是服务器的数据:" + p.data + " / this is a server's data: " + p.data);
        if (!p.request.empty()) return api::enrol_request(*node, p.request, program_name);
        if (!p.take.empty()) return api::enrol_take(*node, p.take, p.fingerprint, p.url);
        if (shows_progress()) std::cerr << say(Msg::fetching) << std::endl;
        return api::enrol_device(*node, p.url, p.code, program_name, is_hub, p.fingerprint, watch_sync());
    }();
    if (!made) {
        // After a link that dropped the code may be used already: kept, so that the same device can ask again.
        if (!was_there && !is_retryable(made.error().code)) remove_node_files(p.data, !had_key);
        return fail_with(made.error());
    }
    const auto& o = made->as_object();
    if (p.as_json)
        std::cout << json::serialize(*made) << std::endl;
    else if (by_file)
        std::cout << api::render(p.command, *made);
    else
        std::cout << say(Msg::enrolled, {std::string_view(o.at("unit").as_string()), json::serialize(o.at("received"))})
                  << (o.contains("fingerprint")
                          ? "\n" + say(Msg::code_hint, {std::string_view(o.at("fingerprint").as_string())})
                          : std::string())
                  << std::endl;
    return 0;
}

/// While nobody uses the keys: a program that serves has them in memory and would not know.
int set_passphrase(const Parsed& p) {
    if (api::ask_serving(p.data, Command{"status", {}, {}}))
        return fail_with(fail(Errc::busy, "这些数据已有程序在服务,请先停止:" + p.data +
                                              " / this data is being served: stop that program first: " + p.data));
    auto done = [&]() -> Result<> {
        TRY(const auto dir, node::DataDir::open(p.data, false, std::chrono::seconds(5)));
        return node::set_passphrase(dir, p.file);
    }();
    if (!done) return fail_with(done.error());
    if (p.as_json)
        std::cout << json::serialize(json::object{{"wrapped", !p.file.empty()}}) << std::endl;
    else
        std::cout << say(p.file.empty() ? Msg::keys_plain : Msg::keys_wrapped) << std::endl;
    return 0;
}

/// The process that serves has another working folder.
Parsed with_whole_paths(Parsed p) {
    const auto& name = p.command.name;
    const bool takes_files = name == "export" || name == "import" || name == "backup" || name == "publish" ||
                             name == "enrol" || name == "import-xlsx" || name == "export-city";
    std::error_code ec;
    auto make_whole = [&ec](std::string& path) {
        path = std::filesystem::absolute(path, ec).lexically_normal().string();
    };
    if (takes_files)
        for (auto& path : p.command.args) make_whole(path);
    if (name == "attach" && p.command.args.size() == 2) make_whole(p.command.args[1]);
    const bool writes_out = name == "file" || name == "checkpoint";
    if (writes_out && p.command.has("out")) make_whole(p.command.options["out"]);
    for (const char* key : {"answer", "checkpoint", "passphrase-file"})
        if (p.command.has(key)) make_whole(p.command.options[key]);
    // What is written and from which records, then the file.
    const bool writes_file = name == "export-xlsx" || name == "circular-docx";
    if (writes_file && p.command.args.size() == 2) make_whole(p.command.args[1]);
    return p;
}

/// From the terminal, twice, or one line that is piped in.
Result<std::string> ask_password() {
    TRY(auto word, node::read_secret(say(Msg::password_prompt)));
    if (!node::has_person()) return word;
    TRY(const auto again, node::read_secret(say(Msg::password_again)));
    if (again != word) return fail(Errc::usage, "两次输入不同,没有改 / the two are not the same, nothing was changed");
    return word;
}

/// Whoever uses the PC can read command lines while a program runs: what is secret there goes as soon as it was read.
void hide_in_command_line(int argc, char** argv, std::string_view secret) {
    if (secret.size() < 2) return;  // "-"
    for (int i = 1; i < argc; ++i) {
        const std::string_view word = argv[i];
        if (!word.ends_with(secret)) continue;
        std::memset(argv[i] + (word.size() - secret.size()), '*', secret.size());
    }
}

/// What the terminal adds: secrets that no command line shows, and who sits here.
Result<Parsed> with_person(Parsed p) {
    if (p.code == "-") {
        TRY(p.code, node::read_secret(say(Msg::code_prompt)));
    }
    if (api::wants_password(p.command)) {
        TRY(p.command.options["password"], ask_password());
    }
    if (!api::writes(p.command.name)) return p;  // elsewhere it says whose work to look for
    for (const char* name : {"TAIZHANG_PERSON", "USER", "LOGNAME", "USERNAME"}) {
        const char* person = std::getenv(name);
        if (person && *person && !p.command.has("person")) p.command.options["person"] = person;
    }
    return p;
}

int execute(const Parsed& parsed, Program program) {
    auto whole = with_person(with_whole_paths(parsed));
    if (!whole) return fail_with(whole.error());
    const auto& p = *whole;
    if (p.command.name == "init") return init_city(p.data, p.city, p.as_json);
    if (p.command.name == "serve") return serve(p, program);
    if (p.command.name == "open") return open_screens(p);
    if (p.command.name == "join" || (p.command.name == "enrol" && program == Program::branch))
        return enrol_device(p, program == Program::server);
    if (p.command.name == "passphrase") return set_passphrase(p);
    if (p.command.name == "restore") {
        const auto made = api::restore(p.data, p.command.args[0], p.command.option("passphrase-file"));
        return made ? print(p, *made) : fail_with(made.error());
    }
    if (p.command.name == "audit") {
        const auto done = print_audit(p.data, p.command, p.as_json);
        return done ? 0 : fail_with(done.error());
    }
    if (auto answer = api::ask_serving(p.data, p.command))
        return *answer ? print(p, **answer) : fail_with(answer->error());
    auto node = node::Node::open({p.data, false, std::chrono::seconds(10)});
    if (!node) return fail_with(node.error());
    auto document = p.command.name == "sync"    ? api::sync_now(**node, watch_sync())
                    : p.command.name == "fetch" ? api::fetch_now(**node, p.command)
                                                : api::run(**node, p.command);
    if (!document) return fail_with(document.error());
    return print(p, *document);
}

}  // namespace

int run(Program program, int argc, char** argv) {
    program_name = program == Program::branch ? "taizhang" : "taizhangd";
    std::signal(SIGPIPE, SIG_IGN);
    std::signal(SIGXFSZ, SIG_IGN);
    node::keep_files_private();
    Parsed parsed;
    Parser parser(program, parsed);
    try {
        parser.app().parse(argc, argv);
    } catch (const CLI::ParseError& e) {
        if (e.get_exit_code() == 0) return parser.app().exit(e);  // --help, --version
        if (const auto word = parser.unknown_command(argc, argv); !word.empty())
            return fail_with(fail(Errc::usage, "没有这个命令:" + word +
                                                   ",可用命令见 --help / no such command: " + word + "; see --help"));
        return fail_with(fail(
            Errc::usage, std::string("命令有误:") + e.what() + " / wrong command line: " + e.what() + "; see --help"));
    }
    hide_in_command_line(argc, argv, parsed.code);
    if (parsed.data.empty()) parsed.data = node::default_dir(program == Program::branch ? "taizhang" : "taizhangd");
    try {
        return execute(parsed, program);
    } catch (const std::exception& e) {
        return fail_with(fail(Errc::internal, std::string("内部错误,没有写入:") + e.what() +
                                                  " / internal error, nothing was written: " + e.what()));
    }
}

}  // namespace taizhang::cli
