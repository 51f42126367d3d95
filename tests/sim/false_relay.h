// false_relay.h - a relay whose program was changed: what passes through it arrives altered, cut, late or not at all.
//
// It has the relay's genuine key and data. Everything is done to the messages, by decoding them as its owner could.
#pragma once

#include "tests/sim/world.h"

namespace taizhang::sim {

class FalseRelay {
public:
    FalseRelay(World& world, Machine& relay) : w_(world), m_(relay) {}
    /// An answer to `who` below it; true when it is another one now.
    bool spoil_answer(Machine& who, std::string& bytes);
    /// A request of its own to the hub above.
    bool spoil_request(std::string& bytes);
    /// It says that it has what it threw away; nothing when it does not do so this time.
    std::optional<std::string> swallow(const std::string& request);

private:
    void cut(std::vector<std::string>& commits, std::vector<wire::HeadSignature>& signatures);
    void alter(std::string& packed);
    void invent_acks(wire::SyncReply& reply);
    void invent_control(std::vector<std::string>& entries);

    World& w_;
    Machine& m_;
};

}  // namespace taizhang::sim
