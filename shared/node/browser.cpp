#include "node/browser.h"

#include "node/data_dir.h"

#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <filesystem>

namespace taizhang::node {
namespace {

// The shell leaves the browser to itself, so that it is nobody's child here and outlives this program.
constexpr const char* kScript =
    R"(command -v "$0" >/dev/null 2>&1 || exit 127; "$0" "$1" >/dev/null 2>&1 </dev/null &)";

/// It is ours, but for the host of --listen.
bool is_plain(const std::string& address) {
    return address.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789:/.#=[]-") ==
           std::string::npos;
}

std::string program() {
    const char* named = std::getenv("BROWSER");
    const std::string first = named ? std::string(named).substr(0, std::string(named).find(':')) : std::string();
    return first.empty() ? "xdg-open" : first;
}

/// With a session of its own (Ctrl-C here does not reach it) and none of our sockets.
Result<int> run_shell(const std::string& browser, const std::string& page) {
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addclosefrom_np(&actions, STDERR_FILENO + 1);
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSID);
    std::array<std::string, 5> words = {"sh", "-c", kScript, browser, page};
    std::array<char*, 6> argv{};
    for (std::size_t i = 0; i < words.size(); ++i) argv[i] = words[i].data();
    pid_t pid = 0;
    const int failed = posix_spawn(&pid, "/bin/sh", &actions, &attributes, argv.data(), environ);
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attributes);
    int status = 0;
    if (failed || ::waitpid(pid, &status, 0) != pid) return fail(Errc::io, "不能启动浏览器 / cannot start a browser");
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

}  // namespace

Result<> open_browser(const std::string& dir, const std::string& address) {
    if (!is_plain(address)) return fail(Errc::usage, "地址不能用 / that address cannot be used: " + address);
    std::error_code ec;
    const auto page = std::filesystem::absolute(dir + "/" + kLaunchPage, ec).lexically_normal().string();
    TRY_VOID(write_file(page,
                        "<!doctype html><meta charset=\"utf-8\"><meta name=\"referrer\" content=\"no-referrer\">"
                        "<meta http-equiv=\"refresh\" content=\"0;url=" +
                            address + "\"><title>台账 Taizhang</title><a href=\"" + address +
                            "\">台账 / Taizhang</a>\n"));
    const auto browser = program();
    TRY(const int status, run_shell(browser, page));
    if (status == 0) return {};
    return fail(Errc::not_found, "没有找到浏览器(" + browser + "),请自己打开 open 给出的地址 / no browser (" + browser +
                                     ") was found: open the address that `open` gives yourself");
}

}  // namespace taizhang::node
