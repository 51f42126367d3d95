#include "client/cli/init.h"

#include "base/embedded.h"
#include "ledger/import.h"
#include "node/node.h"
#include "text/text.h"

#include <unistd.h>
#include <boost/json.hpp>

#include <chrono>
#include <cstdio>
#include <filesystem>
#include <iostream>

namespace taizhang::cli {
namespace fs = std::filesystem;
using text::Msg;
using text::say;

bool shows_progress() { return ::isatty(STDERR_FILENO) == 1; }

void remove_node_files(const std::string& dir, bool with_keys) {
    std::error_code ec;
    for (const char* name : {"taizhang.db", "taizhang.db-wal", "taizhang.db-shm", "incarnation", "lock", "control.sock",
                             "sessions", "launch", "launch.html"})
        fs::remove(dir + "/" + name, ec);
    if (with_keys)
        for (const char* name : {node::kKeyFile, node::kRootKeyFile}) fs::remove(dir + "/" + name, ec);
    fs::remove(dir, ec);  // only when nothing else is in it
}

namespace {

Result<ledger::ImportReport> make_city(const std::string& dir, const std::string& city_file) {
    if (node::has_database(dir))
        return fail(Errc::not_allowed,
                    "这里已有数据,没有动它:" + dir + " / there is data here already, left as it is: " + dir);
    TRY(const auto city, ledger::read_city_file(city_file));
    // Made beside, moved into place whole: nobody ever sees half a city.
    const auto beside = dir + ".init";
    remove_node_files(beside);
    auto made = [&]() -> Result<ledger::ImportReport> {
        TRY(auto node, node::Node::open({beside, true, std::chrono::seconds(1), "taizhang.db", true}));
        return ledger::import_city(
            node->replica(), city, embedded::ledger_catalog,
            [shown = shows_progress()](const std::string& list, std::size_t done, std::size_t of) {
                if (!shown) return;
                std::cerr << "\r" << say(Msg::importing, {list}) << " " << done << "/" << of << "        "
                          << std::flush;
                if (done == of) std::cerr << "\r" << std::string(78, ' ') << "\r" << std::flush;
            });
    }();
    if (!made) {
        remove_node_files(beside);
        return made;
    }
    std::error_code ec;
    fs::create_directories(dir, ec);
    for (const char* name : {node::kKeyFile, node::kRootKeyFile}) {
        if (!node::exists(dir + "/" + name)) continue;
        remove_node_files(beside);
        return fail(Errc::not_allowed, "这里已有密钥,没有动它:" + dir + "/" + name +
                                           " / there is a key here already, left as it is: " + dir + "/" + name);
    }
    for (const char* name : {node::kKeyFile, node::kRootKeyFile, "incarnation", "taizhang.db"}) {
        fs::rename(beside + "/" + name, dir + "/" + name, ec);
        if (ec) {
            remove_node_files(beside);
            return fail(Errc::io,
                        "不能写入 " + dir + ":" + ec.message() + " / cannot write " + dir + ": " + ec.message());
        }
    }
    remove_node_files(beside);
    return made;
}

}  // namespace

int init_city(const std::string& dir, const std::string& city_file, bool as_json) {
    const auto start = std::chrono::steady_clock::now();
    const auto made = make_city(dir, city_file);
    if (!made) {
        std::cerr << "taizhangd: " << text::choose(made.error().detail) << std::endl;
        return exit_status(made.error().code);
    }
    const auto seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    char took[16];
    std::snprintf(took, sizeof took, "%.1f", seconds);
    if (as_json) {
        boost::json::object ignored;
        for (const auto& [key, n] : made->ignored) ignored[key] = n;
        std::cout << boost::json::serialize(boost::json::object{{"units", made->units},
                                                                {"records", made->records},
                                                                {"commits", made->commits},
                                                                {"ignored", ignored}})
                  << std::endl;
        return 0;
    }
    std::cout << say(Msg::imported,
                     {std::to_string(made->units), std::to_string(made->records), std::to_string(made->commits), took})
              << std::endl;
    std::string keys;
    for (const auto& [key, n] : made->ignored) keys += (keys.empty() ? "" : ", ") + key;
    if (!keys.empty()) std::cout << say(Msg::ignored_keys, {keys}) << std::endl;
    return 0;
}

}  // namespace taizhang::cli
