#include "tests/proof/examine.h"

#include "sqlite/page_sums.h"

#include <sqlite3.h>

#include <algorithm>
#include <cstring>
#include <string_view>

namespace taizhang::proof {
namespace {

using support::Device;
using support::SimDisk;

void sqlite_check(Replica& r) {
    auto s = need(r.database().prepare("PRAGMA integrity_check", false), "integrity_check");
    if (!need(s.step(), "integrity_check") || s.text(0) != "ok")
        throw Failure("integrity_check: " + std::string(s.text(0)));
    s.reset();
}

/// By one line, whatever the program throws.
template <class F>
auto attempt(const char* what, const F& f) {
    try {
        return f();
    } catch (const Failure&) {
        throw;
    } catch (const std::exception& e) {
        throw Failure(std::string(what) + ": " + e.what());
    }
}

}  // namespace

std::uint64_t Examiner::image_of(SimDisk& disk) {
    sqlite3* db = nullptr;
    const sqlite::PageSums sums(disk.vfs_name(), true);
    const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX;
    int rc = sqlite3_open_v2(kDatabase, &db, flags, sums.name().c_str());
    std::uint64_t hash = 0;
    if (rc == SQLITE_OK) {
        sqlite3_db_config(db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, nullptr);
        rc = sqlite3_exec(db, "PRAGMA locking_mode=EXCLUSIVE; SELECT count(*) FROM sqlite_schema", nullptr, nullptr,
                          nullptr);
    }
    if (rc == SQLITE_OK) {
        sqlite3_int64 size = 0;
        unsigned char* bytes = sqlite3_serialize(db, "main", &size, 0);
        // In the log a page's end is not its checksum yet.
        constexpr sqlite3_int64 kPage = 4096;
        for (auto end = kPage; bytes && end <= size; end += kPage)
            std::memset(bytes + end - sqlite::kSumBytes, 0, sqlite::kSumBytes);
        hash = std::hash<std::string_view>{}(
            {reinterpret_cast<const char*>(bytes), bytes ? static_cast<std::size_t>(size) : 0});
        sqlite3_free(bytes);
    }
    const std::string what = rc == SQLITE_OK ? "" : sqlite3_errmsg(db);
    sqlite3_close(db);
    if (!what.empty()) throw Failure("SQLite cannot read it: " + what);
    return hash;
}

Examiner::Found Examiner::look_into(Replica& r) const {
    Found out;
    for (const auto& head : need(r.chain_heads(), "chain_heads")) {
        auto& chain = out.chains[{head.stream, head.replica}];
        for (std::uint64_t seq = 1; seq <= head.seq.value; ++seq)
            chain.push_back(need(r.hashes_at(head.stream, head.replica, Seq{seq}), "hashes_at"));
        const auto& last = chain.back();
        if (std::find(last.begin(), last.end(), head.hash) == last.end()) chain.back().push_back(head.hash);
    }
    return out;
}

void Examiner::check_promises(const Found& found, const std::vector<Promise>& promised) {
    for (const auto& p : promised) {
        const auto lost = [&] {
            throw Failure("lost: " + p.stream.str() + " " + p.replica.hex().substr(0, 8) + " #" +
                          std::to_string(p.seq.value) + ", which was said to be saved");
        };
        const auto at = found.chains.find({p.stream, p.replica});
        if (at == found.chains.end() || at->second.size() < p.seq.value) lost();
        const auto& hashes = at->second[p.seq.value - 1];
        if (!hashes.empty() && std::find(hashes.begin(), hashes.end(), p.hash) == hashes.end()) lost();
    }
}

/// With the other side as it stands: nothing is lost, both show the same.
void Examiner::check_sync(Session& s, Who who, Device& found) {
    const auto other = who == Who::hub ? Who::device : Who::hub;
    SimDisk disk(++seed_);
    disk.restore(s.disk(other).snapshot());
    Device beside(++seed_, kDatabase, disk.vfs_name(), {}, Session::keys_of(other));
    beside.clock = found.clock;
    auto& device = who == Who::hub ? beside : found;
    auto& city = who == Who::hub ? found : beside;
    auto hub = need(sync::Hub::open(*city), "the hub");
    Session::settle(device, hub);
    need(device->verify(), "verify after the sync");
    const auto here = need(device->digest(), "digest"), there = need(city->digest(), "digest");
    for (const auto& [stream, digest] : here)
        for (const auto& [name, other_digest] : there)
            if (name == stream && digest != other_digest) throw Failure("device and hub show two things of " + stream);
    const auto heads = need(city->chain_heads(), "heads");
    for (const auto& h : need(device->chain_heads(), "heads"))
        if (std::none_of(heads.begin(), heads.end(), [&](const auto& o) {
                return o.stream == h.stream && o.replica == h.replica && o.hash == h.hash;
            }))
            throw Failure("the hub lacks " + h.stream.str() + " #" + std::to_string(h.seq.value));
}

void Examiner::open_and_examine(Session& s, Who who, SimDisk& disk, const std::vector<Promise>& promised,
                                Counts& counts) {
    const auto image = image_of(disk);
    const auto beside = s.disk(who == Who::hub ? Who::device : Who::hub).operations();
    const bool is_new = !known_.contains(image);
    attempt("it does not open", [&] {
        Device found(++seed_, kDatabase, disk.vfs_name(), {}, Session::keys_of(who));
        found.clock = s.clock();
        ++counts["opened"];
        if (is_new) {
            ++counts["contents"];
            sqlite_check(*found);
            need(found->verify(), "verify");
            known_.emplace(image, look_into(*found));
        }
        check_promises(known_.at(image), promised);
        if (synced_.emplace(image, beside).second) {
            ++counts["synced"];
            check_sync(s, who, found);
        }
    });
}

void Examiner::examine(Session& s, Who who, SimDisk& disk, const std::vector<Promise>& promised, Counts& counts) {
    const auto image = image_of(disk);
    const auto at = known_.find(image);
    const auto beside = s.disk(who == Who::hub ? Who::device : Who::hub).operations();
    if (at == known_.end() || !synced_.contains({image, beside}))
        return open_and_examine(s, who, disk, promised, counts);
    check_promises(at->second, promised);
}

}  // namespace taizhang::proof
