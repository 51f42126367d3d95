// author.h - people at their desks: what one of them might write next.
//
// Half of what is written goes through Replica::edit, as the programs do it. The rest is
// written by hand, commit by commit, as another program (or a later version) might:
// any bases, steps that are not allowed, fields that are not the author's to write.
#pragma once

#include "tests/sim/world.h"

namespace taizhang::sim {

class Author {
public:
    Author(World& world, Machine& machine) : w_(world), m_(machine) {}

    /// New rows, fields, set members, steps, several at once. Errors are the disk's, or a refusal.
    Result<std::vector<CommitId>> write();
    /// A decision about a conflict that is open here, or nothing.
    Result<std::vector<CommitId>> decide();
    /// One commit past edit(); nothing when there is no row for it.
    Result<std::vector<CommitId>> write_by_hand();

    /// Bytes of a commit on that row under the header as it is; empty when nothing came together.
    std::string craft(const CommitHeader& h, const World::Row& row);
    /// The header of what comes next in the machine's own chain.
    Result<CommitHeader> next_header(const StreamId& stream);
    World::Row* some_row_of(const Entity& e, bool anywhere);
    const Entity& some_entity();

private:
    using Values = std::vector<std::pair<std::string, Value>>;

    const Catalog& catalog() const;
    StreamId some_stream(const Entity& e);
    World::Row* some_row(const Entity& e) { return some_row_of(e, false); }
    bool may_write(const Group& g, const StreamId& stream);
    Value some_value(const Field& f);
    std::string noise(int length);
    Values some_fields(const Entity& e, const StreamId& stream, int most);
    Edit new_row(const Entity& e);
    Edit change(const Entity& e, World::Row& row);
    bool step(const Entity& e, World::Row& row, Edit& edit);
    std::vector<VersionId> some_base(const World::Row& row, int group, bool adds_only);
    void hand_part(CommitWriter& w, const Entity& e, const World::Row& row, std::size_t group);
    void hand_step(CommitWriter& w, const Entity& e, const World::Row& row);
    bool is_here(const Told& commit);
    Result<std::vector<fold::Change>> known_changes(const World::Row& row);

    World& w_;
    Machine& m_;
    std::vector<fold::Change> changes_;  // of the row at hand, as far as this machine has them
};

}  // namespace taizhang::sim
