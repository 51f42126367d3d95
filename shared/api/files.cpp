#include "api/files.h"

#include "api/base64.h"
#include "api/new_file.h"
#include "files/bundle_contents.h"
#include "http/http.h"
#include "ledger/times.h"
#include "sync/bundle.h"
#include "sync/session.h"

#include <boost/json.hpp>

#include <algorithm>
#include <filesystem>

namespace taizhang::api {

namespace json = boost::json;
namespace fs = std::filesystem;

namespace {

constexpr std::uint64_t kScreenContentBytes = 8u << 20;  // attachments in what a browser takes at once
constexpr std::size_t kBundleFileMax = 8u << 20;
constexpr const char* kSuffix = ".tzb";

/// B03-to-K1-02-20260131-0800.tzb: what a clerk can read off a list of files.
std::string some_name(node::Node& n, const std::string& to) {
    std::string day;
    for (const char c : ledger::format_local(n.replica().now().ms).substr(0, 16)) {
        if (c >= '0' && c <= '9') day.push_back(c);
        if (c == 'T') day.push_back('-');
    }
    const auto* own = n.replica().control().cert(n.replica().id());
    return (own ? own->unit : "node") + "-to-" + (to.empty() ? "above" : to) + "-" + day + kSuffix;
}

std::string part_name(const std::string& path, std::size_t part, std::size_t parts) {
    if (parts == 1) return path;
    const auto number = "-" + std::to_string(part) + "of" + std::to_string(parts);
    const bool has_suffix = path.ends_with(kSuffix);
    return has_suffix ? path.substr(0, path.size() - 4) + number + kSuffix : path + number;
}

/// All of the files or none.
Result<> write_parts(const std::vector<std::string>& names, const std::vector<std::string>& parts) {
    for (const auto& name : names) TRY_VOID(check_is_new(name));
    for (std::size_t i = 0; i < names.size(); ++i) {
        if (auto r = node::write_file(names[i], parts[i]); !r) {
            for (std::size_t k = 0; k < i; ++k) node::remove_file(names[k]);
            return r;
        }
    }
    return {};
}

Result<std::size_t> part_bytes(const Command& c) {
    if (!c.has("max-mb")) return sync::kBundleBytes;
    char* end = nullptr;
    const auto text = c.option("max-mb");
    const double mb = std::strtod(text.c_str(), &end);
    if (end == text.c_str() || *end != 0 || !(mb > 0) || mb > 7)
        return fail(Errc::usage, "--max-mb 要在 0 到 7 之间 / --max-mb must be above 0 and at most 7");
    return static_cast<std::size_t>(mb * (1 << 20));
}

/// Room for attachments in one export.
Result<std::uint64_t> content_bytes(const Command& c) {
    if (!c.has("files-mb")) return files::kExportBytes;
    char* end = nullptr;
    const auto text = c.option("files-mb");
    const auto mb = std::strtoull(text.c_str(), &end, 10);
    if (end == text.c_str() || *end != 0 || text[0] == '-' || mb > 512)
        return fail(Errc::usage, "--files-mb 要是 0 到 512 的整数 / --files-mb must be a whole number from 0 to 512");
    return mb << 20;
}

}  // namespace

Result<json::value> export_bundle(node::Node& n, const Command& c) {
    sync::BundleOptions o;
    o.to = c.option("to");
    o.all = c.has("all");
    TRY(o.part_bytes, part_bytes(c));
    TRY(const auto content_room, content_bytes(c));
    files::BundleContents contents(n.contents(), content_room);
    TRY_VOID(contents.prepare(o));
    TRY(const auto files, sync::make_bundle(n.replica(), o));
    auto path = c.args[0];
    if (node::is_folder(path)) path += "/" + some_name(n, o.to);
    std::vector<std::string> names;
    std::size_t bytes = 0;
    for (std::size_t i = 0; i < files.parts.size(); ++i) {
        names.push_back(part_name(path, i + 1, files.parts.size()));
        bytes += files.parts[i].size();
    }
    TRY_VOID(write_parts(names, files.parts));
    json::array list;
    for (const auto& name : names) list.push_back(json::string(name));
    return json::value{{"files", std::move(list)},
                       {"to", o.to},
                       {"commits", files.commits},
                       {"contents", contents.stats().contents},
                       {"contents_left", contents.stats().left},
                       {"bytes", static_cast<std::int64_t>(bytes)}};
}

Result<json::value> bundle(node::Node& n, const Command& c) {
    sync::BundleOptions o;
    o.to = c.option("to");
    o.all = c.has("all");
    files::BundleContents contents(n.contents(), kScreenContentBytes);
    TRY_VOID(contents.prepare(o));
    TRY(const auto files, sync::make_bundle(n.replica(), o));
    const auto name = some_name(n, o.to);
    json::array list;
    std::size_t bytes = 0;
    for (std::size_t i = 0; i < files.parts.size(); ++i) {
        bytes += files.parts[i].size();
        list.push_back({{"name", part_name(name, i + 1, files.parts.size())}, {"base64", base64(files.parts[i])}});
    }
    return json::value{{"files", std::move(list)},
                       {"to", o.to},
                       {"commits", files.commits},
                       {"bytes", static_cast<std::int64_t>(bytes)}};
}

namespace {

/// Each file is taken by itself: those before the bad one are in.
Error after_some(const Error& e, std::size_t taken, const std::string& path) {
    const auto n = std::to_string(taken);
    const auto middle = e.detail.find(" / ");
    const auto zh = e.detail.substr(0, middle);
    const auto en = middle == std::string::npos ? e.detail : e.detail.substr(middle + 3);
    return fail(e.code, "前 " + n + " 个文件已导入," + path + " 没有:" + zh + " / the first " + n + " are imported, " +
                            path + " is not: " + en);
}

}  // namespace

Result<json::value> import_bundles(node::Node& n, const Command& c) {
    json::array files;
    json::array missing;
    auto paths = c.args;
    const bool is_sent = c.has("bytes");  // by a browser, which names no path
    if (is_sent) paths = {c.option("name")};
    if (paths.empty()) return fail(Errc::usage, "用法:import FILE.tzb… / usage: import FILE.tzb…");
    for (const auto& path : paths) {
        std::string bytes = c.option("bytes");
        if (!is_sent) {
            auto read = node::read_file(path, kBundleFileMax);
            if (!read) return files.empty() ? read.error() : after_some(read.error(), files.size(), path);
            bytes = std::move(*read);
        }
        files::BundleContentsTaker contents(n.contents());
        const auto t = sync::take_bundle(
            n.replica(), bytes, [&](const wire::Bundle& b) { return contents.stage(b); },
            [&](const wire::Bundle& b) { return contents.take(b); });
        if (!t) return files.empty() ? t.error() : after_some(t.error(), files.size(), path);
        // Commits under this node's own name that it did not have: it was copied or put back.
        if (n.replica().is_copied()) TRY_VOID(n.replica().reincarnate());
        TRY_VOID(n.keep_incarnation());
        files.push_back({{"file", path},
                         {"unit", t->unit},
                         {"part", t->part},
                         {"parts", t->parts},
                         {"made", ledger::format_local(t->made_ms)},
                         {"taken", t->taken},
                         {"known", t->known},
                         {"held", t->held},
                         {"released", t->released},
                         {"content_stretches", contents.stats().stretches},
                         {"contents", contents.stats().whole}});
        missing.clear();
        for (const auto& line : contents.stats().refused) missing.push_back(json::string(line));
        for (const auto& m : t->missing) missing.push_back(json::string(m));
    }
    return json::value{{"files", std::move(files)}, {"missing", std::move(missing)}};
}

Result<json::value> backup(node::Node& n, const Command& c) {
    const auto& path = c.args[0];
    const auto keys = path + node::kKeysSuffix;
    std::string passphrase;
    if (c.has("passphrase-file")) {
        TRY(passphrase, node::read_passphrase(c.option("passphrase-file")));
    }
    for (const auto& p : {path, keys}) TRY_VOID(check_is_new(p));
    const auto beside = path + ".new";
    node::remove_file(beside);
    const auto holds = n.replica().log_head();
    auto made = n.replica().database().backup_to(beside);
    bool is_wrapped = true;
    if (made) {
        auto copied = node::copy_keys_out(n.dir().path(), n.replica().keys(), keys, passphrase);
        if (copied) is_wrapped = *copied;
        if (!copied) made = copied.error();
    }
    if (made) made = node::sync_and_rename(beside, path);
    if (!made) {
        node::remove_file(beside);
        node::remove_file(keys);
        return made.error();
    }
    // From the next checkpoint on devices may drop what it holds.
    const auto* own = n.replica().control().cert(n.replica().id());
    if (own && own->unit == n.replica().control().root()) TRY_VOID(n.replica().note_backup(holds));
    std::error_code ec;
    const auto bytes = static_cast<std::int64_t>(fs::file_size(path, ec));
    return json::value{{"file", path},
                       {"keys", keys},
                       {"keys_wrapped", is_wrapped},
                       {"bytes", bytes},
                       {"commits", n.replica().log_head().value}};
}

Result<json::value> enrol_request(node::Node& n, const std::string& file, const std::string& label) {
    TRY_VOID(check_is_new(file));
    TRY(const auto bytes, sync::Enrolment(n.replica()).request_file(label));
    TRY_VOID(node::write_file(file, bytes));
    return json::value{{"request", file}};
}

namespace {

/// For a browser, which brings the request as it is and saves the answer itself.
Result<json::value> enrol_answer_bytes(node::Node& n, const std::string& unit, std::string_view request) {
    TRY(const auto answer, n.hub().answer(request, unit));
    return json::value{{"name", "登记答复-" + unit + ".tza"},
                       {"base64", base64(answer.file)},
                       {"unit", unit},
                       {"device", answer.device},
                       {"fingerprint", n.hub().fingerprint()}};
}

}  // namespace

Result<json::value> enrol_answer(node::Node& n, const Command& c) {
    if (c.has("bytes")) return enrol_answer_bytes(n, c.option("unit"), c.option("bytes"));
    if (c.args.size() != 1)
        return fail(Errc::usage,
                    "用法:enrol --unit 单位 --answer 申请文件 答复文件 / usage: enrol --unit ID --answer REQUEST OUT");
    const auto& out = c.args[0];
    TRY_VOID(check_is_new(out));
    TRY(const auto request, node::read_file(c.option("answer"), 1u << 20));
    TRY(const auto answer, n.hub().answer(request, c.option("unit")));
    TRY_VOID(node::write_file(out, answer.file));
    return json::value{
        {"answer", out}, {"unit", c.option("unit")}, {"device", answer.device}, {"fingerprint", n.hub().fingerprint()}};
}

Result<json::value> enrol_take(node::Node& n, const std::string& file, const std::string& fingerprint,
                               const std::string& url) {
    TRY(const auto bytes, node::read_file(file, 64u << 20));
    return take_answer(n, bytes, fingerprint, url);
}

Result<json::value> take_answer(node::Node& n, std::string_view bytes, const std::string& fingerprint,
                                const std::string& url) {
    if (!url.empty()) TRY_VOID(http::parse_origin(url));
    sync::Enrolment enrolment(n.replica());
    TRY_VOID(enrolment.take_answer(bytes, fingerprint));
    if (!url.empty()) TRY_VOID(n.replica().set_fact("upstream/url", url));
    TRY_VOID(n.keep_incarnation());
    const auto& c = n.replica().control();
    const auto* own = c.cert(n.replica().id());
    return json::value{{"unit", own ? own->unit : std::string()},
                       {"device", trust::fingerprint(c.root_key(), n.replica().keys().device->public_key())},
                       {"fingerprint", enrolment.fingerprint()}};
}

Result<json::value> restore(const std::string& dir, const std::string& file, const std::string& passphrase_file) {
    if (node::has_database(dir))
        return fail(Errc::not_allowed,
                    "这里已有数据,没有动它:" + dir + " / there is data here already, left as it is: " + dir);
    if (!node::exists(file)) return fail(Errc::not_found, "没有这个文件:" + file + " / no such file: " + file);
    std::string passphrase;
    if (!passphrase_file.empty()) {
        TRY(passphrase, node::read_passphrase(passphrase_file));
    }
    std::error_code ec;
    const bool was_there = node::exists(dir);
    fs::create_directories(dir, ec);
    const bool had_key = node::exists(dir + "/" + node::kKeyFile);
    auto made = [&]() -> Result<json::value> {
        TRY_VOID(node::copy_keys_in(file + node::kKeysSuffix, dir));
        fs::copy_file(file, dir + "/taizhang.db.new", ec);
        if (ec)
            return fail(ec == std::errc::no_space_on_device ? Errc::disk_full : Errc::io,
                        "不能写入 " + dir + ":" + ec.message() + " / cannot write " + dir + ": " + ec.message());
        {
            node::Node::Options options{dir, true, std::chrono::seconds(1), "taizhang.db.new"};
            options.passphrase = passphrase;
            TRY(auto node, node::Node::open(options));
            TRY_VOID(node->replica().verify());
            if (node->replica().control().root().empty())
                return fail(Errc::bad_input, "这不是台账的备份:" + file + " / not a backup of this program: " + file);
            TRY_VOID(sync::Hub::restored(node->replica()));
        }
        TRY_VOID(node::sync_and_rename(dir + "/taizhang.db.new", dir + "/taizhang.db"));
        node::Node::Options options{dir, false, std::chrono::seconds(1)};
        options.passphrase = passphrase;
        TRY(auto node, node::Node::open(options));
        const auto* own = node->replica().control().cert(node->replica().id());
        return json::value{{"data", dir},
                           {"unit", own ? own->unit : std::string()},
                           {"has_key", node->replica().can_sign()},
                           {"commits", node->replica().log_head().value}};
    }();
    if (!made) {
        for (const char* name :
             {"taizhang.db.new", "taizhang.db.new-wal", "taizhang.db.new-shm", "incarnation", "lock"})
            node::remove_file(dir + "/" + name);
        if (!had_key)
            for (const char* name : {node::kKeyFile, node::kRootKeyFile}) node::remove_file(dir + "/" + name);
        if (!was_there) fs::remove(dir, ec);
    }
    return made;
}

}  // namespace taizhang::api
