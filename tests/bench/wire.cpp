// wire.cpp - a hub and two devices, each a database on the disk, in one process and on one thread; the socket is real.
#include "wire.h"

#include "loopback.h"
#include "tasks.h"

namespace taizhang::bench {
namespace {

const StreamId kStream{"B", Audience::ledger};
constexpr std::size_t kRowsInATransaction = 100;

}  // namespace

WireCosts measure_wire(const Workload& w, const std::filesystem::path& dir) {
    const auto city = city_in(dir / "city.db");
    auto hub = must(sync::Hub::open(*city));
    Loopback link(hub);
    WireCosts out;

    const auto author = replica_in(dir / "author.db");
    link.enrol(*author, "B");
    link.sync(*author);
    for (std::size_t from = 0; from < w.rows.size(); from += kRowsInATransaction) {
        Draft draft;
        for (std::size_t i = from; i < std::min(w.rows.size(), from + kRowsInATransaction); ++i)
            draft.edits.push_back(new_row(w.rows[i], kStream));
        must(author->edit(draft));
    }
    out.upload = link.sync(*author);

    const auto device = replica_in(dir / "device.db");
    link.enrol(*device, "B");
    out.first = link.sync(*device);
    out.nothing = link.sync(*device);
    for (const auto& u : w.small) {
        Draft draft;
        draft.edits.push_back(changed(w.rows[u.row], u, kStream));
        must(device->edit(draft));
    }
    out.ten = link.sync(*device);
    if (must(city->digest()) != must(device->digest())) throw std::runtime_error("hub and device differ");
    return out;
}

}  // namespace taizhang::bench
