// What somebody who has signed in asks over the JSON API, in a small city.
#include "api/may.h"
#include "base/bytes.h"
#include "base/embedded.h"
#include "ledger/import.h"
#include "tests/fuzz/fuzz.h"

#include <unistd.h>
#include <boost/json.hpp>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <string>

using namespace taizhang;
namespace fs = std::filesystem;

namespace {

constexpr int kInputsForOne = 2'000;  // then a new city: what the inputs write must not pile up

/// A city of its own on the disk, gone with it.
class City {
public:
    City() : dir_((fs::temp_directory_path() / "tz-fuzz-XXXXXX").string()) {
        if (!::mkdtemp(dir_.data())) std::abort();
        auto node = node::Node::open({dir_ + "/city", true, std::chrono::seconds(1), "taizhang.db", true});
        const auto file = ledger::read_city_file(TZ_SOURCE_DIR "/tests/fuzz/corpus/city_file/whole");
        if (!node || !file) std::abort();
        node_ = std::move(*node);
        if (!ledger::import_city(node_->replica(), *file, embedded::ledger_catalog, nullptr)) std::abort();
        done({"new",
              {"rectification", "responsible_unit_id=B1", "problem=会议记录不全", "deadline=2025-12-01"},
              {{"person", "王"}}});
    }
    ~City() {
        node_.reset();
        std::error_code ec;
        fs::remove_all(dir_, ec);
    }
    City(const City&) = delete;
    City& operator=(const City&) = delete;
    node::Node& node() { return *node_; }

private:
    void done(const api::Command& c) {
        const auto r = api::run(*node_, c);
        if (r) return;
        std::fprintf(stderr, "%s: %s\n", c.name.c_str(), r.error().detail.c_str());
        std::abort();
    }
    std::string dir_;
    std::unique_ptr<node::Node> node_;
};

/// A command line by line: its name, then arguments, and options as --NAME=VALUE. Or the JSON that a browser sends.
Result<api::Command> command_in(std::string_view bytes) {
    if (bytes.starts_with("{")) return api::Command::decode(bytes);
    api::Command c;
    for (bool is_first = true; !bytes.empty() || is_first; is_first = false) {
        const auto end = std::min(bytes.find('\n'), bytes.size());
        const std::string line(bytes.substr(0, end));
        bytes.remove_prefix(std::min(end + 1, bytes.size()));
        const auto eq = line.find('=');
        if (is_first)
            c.name = line;
        else if (line.starts_with("--"))
            c.options[line.substr(2, eq == std::string::npos ? eq : eq - 2)] =
                eq == std::string::npos ? "1" : line.substr(eq + 1);
        else
            c.args.push_back(line);
    }
    return c;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static auto city = std::make_unique<City>();
    static int inputs = 0;
    if (++inputs % kInputsForOne == 0) {
        city.reset();
        city = std::make_unique<City>();
    }
    const auto bytes = fuzz::view(data, size);
    if (!is_utf8(bytes)) return 0;  // the JSON reader refuses it
    const auto c = command_in(bytes);
    if (!c) return 0;
    const api::Who who{"wang", "王", people::kEverybody};
    const auto answer = api::run_as(city->node(), who, *c);
    if (!answer) {
        fuzz::require(is_line(answer.error().detail));
        return 0;
    }
    static_cast<void>(boost::json::serialize(*answer));
    return 0;
}
