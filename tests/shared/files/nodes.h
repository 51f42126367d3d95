// nodes.h - nodes with contents for the tests here: devices, relays, the city, and a link that can be cut.
#pragma once

#include "base/hash.h"
#include "files/file_hub.h"
#include "files/file_session.h"
#include "tests/support/memory_blobs.h"
#include "tests/support/world.h"

#include <functional>

namespace taizhang::support {

/// Bytes that do not repeat, of any length.
inline std::string noise(std::size_t size, std::uint64_t seed) {
    std::string out(size, 0);
    for (auto& c : out) {
        seed = seed * 6364136223846793005ULL + 1442695040888963407ULL;
        c = static_cast<char>(seed >> 56);
    }
    return out;
}

inline files::Contents::Source source_of(const std::string& bytes) {
    return [&bytes](std::uint64_t offset, std::size_t n) -> Result<std::string> {
        return offset >= bytes.size() ? std::string() : bytes.substr(offset, n);
    };
}

/// A node with its contents; `hub` when others stand below it.
struct FileNode {
    explicit FileNode(Device& d) : device(d), contents(std::make_unique<files::Contents>(*d, blobs)) {}
    /// Between two operations: the database has all that was committed, the disk all that was durable.
    void restart() {
        blobs.crash();
        contents = std::make_unique<files::Contents>(*device, blobs);
    }
    /// As a person does: the content first, then the record that names it.
    Hash attach(const std::string& record, const std::string& unit, const std::string& bytes, const std::string& id) {
        const auto hash = hash_of(bytes);
        const auto kept = contents->keep(source_of(bytes), hash, bytes.size(), unit);
        if (!kept) throw std::runtime_error(kept.error().detail);
        name(record, unit, hash, bytes.size(), id);
        return hash;
    }
    /// The record only.
    void name(const std::string& record, const std::string& unit, const Hash& hash, std::size_t size,
              const std::string& id) {
        Edit e;
        e.entity = "evidence";
        e.row = id;
        e.create = true;
        e.stream = StreamId{unit, Audience::ledger};
        e.fields = {{"record_id", text(record)},
                    {"unit_id", text(unit)},
                    {"name", text("照片.jpg")},
                    {"size", Value::integer(static_cast<std::int64_t>(size))},
                    {"hash", text(hash.hex())}};
        device.edit(e);
    }
    files::ContentIndex& index() { return contents->index(); }

    Device& device;
    MemoryBlobs blobs;
    std::unique_ptr<files::Contents> contents;
};

struct Traffic {
    std::uint64_t up = 0, down = 0;  ///< bytes of messages, lost ones included
    int trips = 0;
    files::FileSession::Stats stats;
    bool cut = false;
};

enum class Fate { arrives, request_lost, reply_lost };
using Link = std::function<Fate(std::string& request, std::string& reply)>;

/// One session until nothing is left that can move, or until the link cuts it.
inline Traffic exchange(FileNode& below, sync::Hub& hub, FileNode& above, std::size_t chunk = 4096,
                        const Link& link = {}) {
    Traffic t;
    files::FileSession session(*below.contents, chunk);
    while (session.wants_more()) {
        if (++t.trips > 10'000) throw std::runtime_error("a session without an end");
        auto request = session.request();
        if (!request) throw std::runtime_error(request.error().detail);
        t.up += request->size();
        std::string none;
        auto fate = link ? link(*request, none) : Fate::arrives;
        t.cut = fate != Fate::arrives;
        if (fate == Fate::request_lost) break;
        auto reply = files::FileHub(hub, *above.contents).handle(*request);
        if (!reply) throw std::runtime_error(reply.error().detail);
        t.down += reply->size();
        if (fate == Fate::reply_lost) break;
        if (link) link(none, *reply);
        const auto taken = session.reply(*reply);
        if (!taken) throw std::runtime_error(taken.error().detail);
    }
    t.stats = session.stats();
    return t;
}

}  // namespace taizhang::support
