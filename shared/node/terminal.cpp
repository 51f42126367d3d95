#include "node/terminal.h"

#include <termios.h>
#include <unistd.h>

#include <iostream>

namespace taizhang::node {
namespace {

/// No echo for as long as it lives.
struct Quiet {
    termios before{};
    bool is_on = false;
    Quiet() {
        if (tcgetattr(STDIN_FILENO, &before) != 0) return;
        auto without = before;
        without.c_lflag &= ~static_cast<tcflag_t>(ECHO);
        is_on = tcsetattr(STDIN_FILENO, TCSAFLUSH, &without) == 0;
    }
    ~Quiet() {
        if (is_on) tcsetattr(STDIN_FILENO, TCSAFLUSH, &before);
    }
    Quiet(const Quiet&) = delete;
    Quiet& operator=(const Quiet&) = delete;
};

}  // namespace

bool has_person() { return ::isatty(STDIN_FILENO) == 1; }

Result<std::string> read_secret(const std::string& prompt) {
    std::string line;
    if (has_person()) {
        std::cerr << prompt << std::flush;
        const Quiet quiet;
        std::getline(std::cin, line);
        std::cerr << std::endl;
    } else {
        std::getline(std::cin, line);
    }
    if (!line.empty() && line.back() == '\r') line.pop_back();
    if (line.empty())
        return fail(Errc::usage,
                    "什么也没有读到:请在终端输入,或由标准输入给出一行 / nothing came: type it at the terminal, or give "
                    "one line on standard input");
    return line;
}

}  // namespace taizhang::node
