// rogue.h - the owner or the thief of an enrolled device, with its genuine key and a program of his own.
//
// What he sends is made here, past the device's own program: commits under another's name, beyond his scope, on top of
// an old place in his chain, with any date; certificates that nobody gave him; rubbish. It goes to his hub with his
// token, or to anybody by stick.
#pragma once

#include "tests/sim/world.h"

namespace taizhang::sim {

class Rogue {
public:
    Rogue(World& world, Machine& machine) : w_(world), m_(machine) {}
    void act();
    /// Another branch of one of his own chains, from a place somewhere below its end.
    void fork();

private:
    struct Letter {
        std::vector<std::string> packed;
        std::vector<HeadSignature> signatures;
        std::vector<std::string> certificates;
    };
    bool can_write() const;
    void forge();
    void write_beyond();
    void claim();
    void flood();

    void add(Letter& letter, const std::string& bytes, const std::string& signature);
    std::string sign(const std::string& bytes);
    std::uint64_t some_time();
    /// Whoever can be met with a stick.
    bool takes_from_hand(const Machine& to) const;
    bool pick_place(CommitHeader& h, bool of_another);
    void give(const Letter& letter);
    void to_hub(const Letter& letter);
    void by_stick(Machine& to, const Letter& letter);
    void by_bundle(Machine& to, const Letter& letter);
    void arrived(Machine& to);
    void ask(Machine& hub, const std::string& request);

    World& w_;
    Machine& m_;
};

}  // namespace taizhang::sim
