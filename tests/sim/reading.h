// reading.h - what a node should show, read from the commits in its log by the documents alone.
//
// The reference path: decoded commits, the tree and the catalogs as the city wrote them,
// who may write what, and the naive fold. It shares the catalog's parser and the decoding of a
// commit with the engine, and nothing of shared/replica or shared/fold. Slow and plain.
#pragma once

#include "catalog/catalog.h"
#include "log/commit.h"
#include "trust/key.h"

#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

namespace taizhang::sim {

struct ToldPart {
    fold::Op op = fold::Op::put;
    std::string name;
    std::vector<VersionId> base;
    std::vector<std::pair<std::string, std::vector<VersionId>>> reviewed;
    std::vector<std::pair<std::string, std::string>> fields;  ///< name, encoded value
};
struct ToldRow {
    std::string entity, id;
    std::vector<ToldPart> parts;
};
/// A commit with nothing pointing into bytes.
struct Told {
    CommitHeader header;
    Hash hash;
    std::string packed;
    std::vector<ToldRow> rows;
    std::vector<std::vector<fold::Change>> changes;  ///< by row; what its author might do is settled for ever
};

struct RowKey {
    std::string entity, stream, id;
    auto operator<=>(const RowKey&) const = default;
};

/// What the tables say, or should say, of one row: columns by name as text, and conflict lines.
struct Shown {
    std::map<std::string, std::string> columns;
    std::set<fold::Line> lines;
};

class Reading {
public:
    void control_entry(const std::string& kind, const std::string& payload);
    /// `by`: who vouched for it; zero when that is not known yet, or the root did.
    void author(const ReplicaId& replica, const std::string& unit, Level level, const trust::PublicKey& key,
                const ReplicaId& by);
    struct Who {
        std::string unit;
        Level level = Level::none;
        trust::PublicKey key;
        ReplicaId by;
    };
    const std::map<ReplicaId, Who>& authors() const { return authors_; }
    bool knows(const ReplicaId& replica) const { return authors_.contains(replica); }

    /// The commit of that hash; decoded when first met. Throws Violation when the bytes do not have this hash.
    const Told& told(const Hash& hash, std::string_view packed);
    /// The commit of that hash; null when it was never met.
    const Told* known(const Hash& hash) const;
    /// Whether its catalog was there where its author stood; one that was not says nothing, whenever it comes.
    bool has_catalog(const Told& commit) const;
    /// All commits so far that touch the row, in the order in which they were met.
    const std::vector<const Told*>& touching(const RowKey& key) { return touching_[key]; }

    std::uint64_t head() const { return head_; }
    /// Null before the first catalog.
    const Catalog* newest_or_none(std::uint64_t at) const;
    const Catalog& newest(std::uint64_t at) const { return *newest_or_none(at); }
    const std::vector<std::string>& unit_ids() const { return unit_order_; }
    bool is_at_or_below(const std::string& unit, const std::string& top, std::uint64_t at) const;
    /// By the newest tree or any before it.
    bool was_ever_below(const std::string& unit, const std::string& top) const;
    const std::string& parent_of(const std::string& unit) const { return units_.at(unit).back().parent; }
    Level level_of(const std::string& unit) const { return units_.at(unit).back().level; }
    bool is_closed(const std::string& unit) const { return units_.at(unit).back().closed; }
    /// Whose hub may serve a device of the unit: the unit's own or one above.
    bool serves(const std::string& hub, const std::string& unit) const {
        return is_at_or_below(unit, reach(hub, head_), head_);
    }

    /// Whether a node of that unit is to hold the stream.
    bool holds(const std::string& unit, const StreamId& stream) const { return holds(unit, stream, head_); }
    bool holds(const std::string& unit, const StreamId& stream, std::uint64_t at) const;
    /// Whether some tree up to there gave the stream to others than the unit.
    bool given_away(const std::string& unit, const StreamId& stream, std::uint64_t at) const;
    /// Whether the author may write what is marked so in that stream.
    bool may(std::uint32_t by, const std::string& unit, const StreamId& stream, std::uint64_t at) const;

    /// The rows' changes among `log`, in which the certificates of `certified` and the control log up to `at` are
    /// known. Those of `stated` came as a state that the city signed: they stand whether their author is known or not.
    struct Rows {
        std::map<RowKey, std::vector<const Told*>> rows;
        std::size_t waiting = 0;
        std::set<Hash> unstamped;    ///< dated later than the city's first checkpoint that covers them
        std::set<Hash> quarantined;  ///< by revoked authors, after what counts of them
    };
    /// To a program that knows this level of the catalog's language.
    Rows ready_rows(const std::vector<const Told*>& log, const std::set<ReplicaId>& certified,
                    const std::set<Hash>& stated, std::uint64_t at, std::uint32_t level) const;
    std::vector<fold::Change> changes(const RowKey& key, const std::vector<const Told*>& commits,
                                      const std::set<Hash>& unstamped = {},
                                      const std::set<Hash>& quarantined = {}) const;
    /// Of the commits of a log, those that count as seen only, as the control log up to `at` says.
    std::set<Hash> quarantined_by(const std::vector<const Told*>& log, std::uint64_t at) const;
    /// The naive fold of those changes in the tables' terms.
    Shown expected(const RowKey& key, const std::vector<fold::Change>& changes, std::uint64_t at) const;
    const std::vector<std::string>& groups_of(const std::string& entity) const { return names_.at(entity).groups; }
    /// Group numbers by first appearance.
    int group_no(const std::string& entity, const std::string& group) const;

private:
    struct Office {
        std::uint64_t since = 0;
        std::string parent;
        Level level = Level::none;
        bool closed = false;
        std::string next;  ///< who goes on with its records
    };
    struct Version {
        std::uint64_t since = 0;
        std::shared_ptr<const Catalog> catalog, to_older;  ///< as a program of level 0 reads it
    };
    struct Names {
        std::vector<std::string> groups, fields;         ///< by number
        std::map<std::uint64_t, std::size_t> groups_at;  ///< how many there were from that position on
    };

    std::set<Hash> unstamped_by(const std::vector<const Told*>& checkpoints, const std::set<Hash>& here) const;
    bool can_read(const Told& commit, std::uint32_t level) const;
    const Office* office(const std::string& unit, std::uint64_t at) const;
    std::string successor(const std::string& unit, std::uint64_t at) const;
    std::string reach(const std::string& unit, std::uint64_t at) const;
    std::vector<fold::Change> changes_of(const Told& commit, const ToldRow& row) const;
    fold::Change transition_of(const ToldPart& part, const Entity& entity, fold::Change x) const;
    bool is_rightful(const ToldPart& part, const Entity& entity, int group) const;

    std::uint64_t head_ = 0;
    std::string root_;
    std::map<std::string, std::vector<Office>> units_;  ///< what each was, in order
    std::vector<std::string> unit_order_;
    std::map<std::uint32_t, Version> catalogs_;
    std::map<std::string, Names> names_;
    struct Revoked {
        std::uint64_t since = 0;
        std::map<std::string, std::pair<std::uint64_t, Hash>> last;  ///< by stream
    };
    const Revoked* revocation(const ReplicaId& replica, std::uint64_t at) const;

    std::map<ReplicaId, Who> authors_;
    std::map<ReplicaId, std::vector<Revoked>> revoked_;  ///< in order
    std::map<Hash, std::uint64_t> released_;             ///< since when
    std::map<Hash, std::unique_ptr<Told>> told_;
    std::map<RowKey, std::vector<const Told*>> touching_;
    Packer packer_;
};

/// As the tables' columns are read, too.
std::string shown(double number);
inline const std::string kNull = "\x01null";

}  // namespace taizhang::sim
