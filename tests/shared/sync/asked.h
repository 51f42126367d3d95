// asked.h - what a device would ask in full, for a test to change by hand.
#pragma once

#include "sync/token.h"
#include "tests/support/must.h"
#include "tests/support/world.h"
#include "wire/messages.h"
#include "wire/runs.h"

#include <functional>

namespace taizhang::support {

inline Result<std::string> ask(sync::Hub& hub, Device& d, const std::function<void(wire::SyncRequest&)>& change) {
    wire::SyncRequest q;
    q.token = must(sync::upstream_token(*d));
    q.replica = d->id();
    q.city = d->control().city_mark();
    q.control = d->control().head();
    q.has_vector = true;
    change(q);
    q.runs = wire::write_runs(q.commits, q.replica);
    return hub.handle(wire::encode(q));
}

/// The same, answered.
inline wire::SyncReply answer_to(sync::Hub& hub, Device& d, const std::function<void(wire::SyncRequest&)>& change) {
    wire::SyncReply out;
    must(wire::decode(must(ask(hub, d, change)), out));
    must(wire::read_runs(out.runs, {}, out.commits));
    return out;
}

}  // namespace taizhang::support
