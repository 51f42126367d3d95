#include "client/cli/audit.h"

#include "api/audit.h"
#include "api/serve.h"
#include "client/cli/init.h"
#include "text/text.h"

#include <boost/json.hpp>

#include <iostream>

namespace taizhang::cli {
namespace {

namespace json = boost::json;
using text::Msg;
using text::say;

std::string text_of(const json::object& e, const char* key) {
    const auto* v = e.if_contains(key);
    return v && v->is_string() ? std::string(v->as_string()) : std::string();
}

Result<> cannot_print() { return fail(Errc::io, "不能写到标准输出 / cannot write to standard output"); }

}  // namespace

Result<> print_audit(const std::string& dir, api::Command command, bool as_json) {
    std::unique_ptr<api::AuditFile> file;
    const auto path = command.option("out");
    command.options.erase("out");
    if (!path.empty()) {
        TRY(file, api::AuditFile::create(path));
    }
    std::unique_ptr<node::Node> node;
    const auto ask = [&](const api::Command& page) -> Result<json::value> {
        if (!node) {
            if (auto answer = api::ask_serving(dir, page)) return std::move(*answer);
            TRY(node, node::Node::open({dir, false, std::chrono::seconds(10)}));
        }
        return api::run(*node, page);
    };
    api::AuditTaker taker;
    const char* before = "{\"entries\":[";
    taker.entry = [&](const json::object& e) -> Result<> {
        if (file) return file->add(e);
        if (as_json)
            std::cout << before << json::serialize(e);
        else
            std::cout << for_terminal(text::choose(text_of(e, "zh") + " / " + text_of(e, "en"))) << "\n";
        before = ",";
        return std::cout.good() ? Result<>() : cannot_print();
    };
    const bool shows = shows_progress();
    bool has_shown = false;
    taker.progress = [&](std::uint64_t read, std::uint64_t of) {
        if (!shows || (!file && !has_shown && read >= of)) return;
        std::cerr << say(Msg::audit_progress, {std::to_string(read), std::to_string(of)}) << "    \r" << std::flush;
        has_shown = true;
    };
    TRY(const auto count, api::audit_all(ask, std::move(command), taker));
    if (has_shown) std::cerr << std::endl;
    if (file) TRY_VOID(file->finish());
    if (file && as_json)
        std::cout << json::serialize(json::object{{"file", path}, {"entries", count}}) << "\n";
    else if (file)
        std::cout << say(Msg::audit_written, {path, std::to_string(count)}) << "\n";
    else if (as_json)
        std::cout << (count == 0 ? before : "") << "]}\n";
    else
        std::cout << say(Msg::audit_done, {std::to_string(count)}) << "\n";
    std::cout.flush();
    return std::cout.good() ? Result<>() : cannot_print();
}

}  // namespace taizhang::cli
