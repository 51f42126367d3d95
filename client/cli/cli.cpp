#include "client/cli/cli.h"

#include "api/files.h"
#include "api/serve.h"
#include "client/cli/init.h"
#include "text/text.h"

#include <CLI/CLI.hpp>
#include <boost/json.hpp>

#include <csignal>
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
    std::string data, url, code, listen = "127.0.0.1:0", port_file, city;
    bool as_json = false;
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
    void args(CLI::App* sub, const char* name, const char* help, int n) {
        auto* o = sub->add_option(name, out_.command.args, help)->required();
        if (n > 0) o->expected(n);
    }

    void branch_commands() {
        args(add("list", "列出 tasks assignments rectifications conflicts todo 或任一种记录 / list records"), "what",
             "tasks|assignments|rectifications|conflicts|todo|ENTITY", 1);
        args(add("show", "一条记录及其经过 / one record with its history"), "id", "编号 / id", 1);
        auto* report = add("report", "填报进展 / report progress");
        args(report, "assignment", "分解编号 / assignment id", 1);
        option(report, "value", "填报值 / reported value");
        option(report, "text", "进展情况 / text");
        flag(report, "claim-complete", "自报完成 / claims to be complete");
        flag(report, "no-change", "没有变化 / no change");
        option(report, "person", "填报人 / person");
        auto* set = add("set", "改字段 / edit fields: set ID FIELD=VALUE…");
        args(set, "id field=value", "编号 字段=值… / id field=value…", -1);
        option(set, "person", "填写人 / person");
        auto* create = add("new", "新建记录 / a new record: new ENTITY FIELD=VALUE…");
        args(create, "entity field=value", "种类 字段=值… / entity field=value…", -1);
        option(create, "person", "填写人 / person");
        auto* act = add("do", "办一步 / do a transition: do TRANSITION ID");
        args(act, "transition id", "步骤 编号 / transition id", 2);
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
        add("status", "未上报、上次同步、等待 / unsent, last sync, waiting");
        add("verify", "由日志重建并核对 / rebuild from the log and compare");
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
        args(add("backup", "备份(可在服务时)/ back up, while serving too"), "file", "文件 / file", 1);
        args(add("restore", "由备份建立 / make a node from a backup"), "file", "文件 / file", 1);
        option(add("compact", "精简本机的旧历史 / drop old history that the city's backup holds"), "keep-days",
               "保留最近多少天 / days of history to keep");
        auto* serve = add("serve", "服务 / serve");
        serve->add_option("--listen", out_.listen, "地址:端口 / HOST:PORT");
        serve->add_option("--port-file", out_.port_file, "把端口写到文件 / write the port to this file");
    }

    void branch_only() {
        auto* enrol = add("enrol", "登记本机 / enrol this PC");
        enrol->add_option("--server", out_.url, "服务器 / server, http://HOST:PORT")->required();
        enrol->add_option("--code", out_.code, "登记码 / one-time code")->required();
    }

    void server_only() {
        auto* init = add("init", "由城市文件建立根节点 / make a root from a city file");
        init->add_option("--city", out_.city, "城市文件 / city file (JSON)")->required();
        auto* join = add("join", "作为下级接入 / join below another server");
        join->add_option("--upstream", out_.url, "上级服务器 / server above, http://HOST:PORT")->required();
        join->add_option("--code", out_.code, "登记码 / one-time code")->required();
        auto* catalog = add("catalog", "查看或发布目录 / look at the catalog, or publish one");
        catalog->callback([this] { out_.command.name = "publish"; });
        catalog->add_option("file", out_.command.args, "目录文件 / catalog file (TOML)")->expected(0, 1);
        flag(catalog, "dry-run", "只说会改什么,不发布 / say what would change, publish nothing");
        flag(catalog, "show", "显示现行目录 / show the catalog in force");
        option(add("enrol", "发登记码 / a one-time code for a device"), "unit", "单位 / unit id");
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
        add("checkpoint", "市级检查点 / sign a checkpoint (the city's server)");
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
    std::cerr << program_name << ": " << line << std::endl;
    return exit_status(e.code);
}

int print(const Parsed& p, const json::value& document) {
    if (p.as_json)
        std::cout << json::serialize(document) << "\n";
    else if (p.command.name == "sync")
        std::cout << api::render_sync(document.as_object());
    else
        std::cout << api::render(p.command, document);
    std::cout.flush();
    // What was asked for did not arrive where it was wanted: a full disk behind a redirection.
    return std::cout.good() ? 0 : 1;
}

int serve(const Parsed& p, Program program) {
    if (api::ask_serving(p.data, Command{"status", {}, {}}))
        return fail_with(
            fail(Errc::busy, "这些数据已有程序在服务:" + p.data + " / this data is being served already: " + p.data));
    auto node = node::Node::open({p.data, false, std::chrono::seconds(5)});
    if (!node) return fail_with(node.error());
    api::ServeOptions o;
    o.listen = p.listen;
    o.port_file = p.port_file;
    o.is_hub = program == Program::server;
    o.ready = [](const std::string& address) { std::cout << say(Msg::serving, {address}) << std::endl; };
    o.log = [](const std::string& line) { std::cerr << text::choose(line) << std::endl; };
    const auto done = api::serve(**node, o);
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
    if (api::ask_serving(p.data, Command{"status", {}, {}}))
        return fail_with(fail(Errc::busy, "这些数据已有程序在服务,请先停止:" + p.data +
                                              " / this data is being served: stop that program first: " + p.data));
    // A folder that was made for nothing is taken away again.
    const bool was_there = node::has_database(p.data);
    auto made = [&]() -> Result<json::value> {
        TRY(auto node, node::Node::open({p.data, true, std::chrono::seconds(5)}));
        TRY(const auto token, node->replica().fact("upstream/token"));
        if (token.empty() && !node->replica().control().root().empty())
            return fail(Errc::not_allowed, "这里是服务器的数据:" + p.data + " / this is a server's data: " + p.data);
        if (shows_progress()) std::cerr << say(Msg::fetching) << std::endl;
        return api::enrol_device(*node, p.url, p.code, program_name, is_hub, watch_sync());
    }();
    if (!made) {
        // After a link that dropped the code may be used already: kept, so that the same device can ask again.
        if (!was_there && !is_retryable(made.error().code)) remove_node_files(p.data);
        return fail_with(made.error());
    }
    const auto& o = made->as_object();
    if (p.as_json)
        std::cout << json::serialize(*made) << std::endl;
    else
        std::cout << say(Msg::enrolled, {std::string_view(o.at("unit").as_string()), json::serialize(o.at("received"))})
                  << std::endl;
    return 0;
}

/// The process that serves has another working folder.
Parsed with_whole_paths(Parsed p) {
    const bool takes_files = p.command.name == "export" || p.command.name == "import" || p.command.name == "backup" ||
                             p.command.name == "publish";
    std::error_code ec;
    auto make_whole = [&ec](std::string& path) {
        path = std::filesystem::absolute(path, ec).lexically_normal().string();
    };
    if (takes_files)
        for (auto& path : p.command.args) make_whole(path);
    if (p.command.name == "attach" && p.command.args.size() == 2) make_whole(p.command.args[1]);
    if (p.command.name == "file" && p.command.has("out")) make_whole(p.command.options["out"]);
    return p;
}

int execute(const Parsed& parsed, Program program) {
    const auto p = with_whole_paths(parsed);
    if (p.command.name == "init") return init_city(p.data, p.city, p.as_json);
    if (p.command.name == "serve") return serve(p, program);
    if (p.command.name == "join" || (p.command.name == "enrol" && program == Program::branch))
        return enrol_device(p, program == Program::server);
    if (p.command.name == "restore") {
        const auto made = api::restore(p.data, p.command.args[0]);
        return made ? print(p, *made) : fail_with(made.error());
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
    if (parsed.data.empty()) parsed.data = node::default_dir(program == Program::branch ? "taizhang" : "taizhangd");
    try {
        return execute(parsed, program);
    } catch (const std::exception& e) {
        return fail_with(fail(Errc::internal, std::string("内部错误,没有写入:") + e.what() +
                                                  " / internal error, nothing was written: " + e.what()));
    }
}

}  // namespace taizhang::cli
