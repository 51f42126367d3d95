// control.h - the city's control log as state: tree, catalogs, certificates, by position.
//
// Everything that decides rights is looked up "as of" a control position, so that a
// commit is judged alike everywhere and for ever. The log itself is linear and
// hash-chained; entries of unknown kinds are kept and passed on.
// Threads: store thread only.
#pragma once

#include "base/hash.h"
#include "catalog/catalog.h"
#include "trust/key.h"

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

namespace taizhang {

inline constexpr std::size_t kChainMax = 64;  ///< certificates, each vouched for by the next

/// What signatures are made for; part of what is signed.
inline constexpr std::string_view kForControl = "control", kForCertificate = "certificate", kForHead = "head",
                                  kForAck = "ack", kForBundle = "bundle", kForEnrolment = "enrol";

/// One entry of the control log. Kinds: "city" (payload: JSON meta; first), "catalog" (the TOML),
/// "unit" (JSON: id, parent_id, level, name, short and whatever else the city keeps of a unit), "revoke" (JSON:
/// replica, streams: {name: {seq, hash}}, vouched: [replica]), "release" (JSON: hash of a commit).
/// A city whose first entry names a root key has each entry signed by it (format 2); one without has none (format 1).
struct ControlEntry {
    ControlPos pos;
    Hash prev;
    std::string kind;
    std::string payload;
    std::string signature;  ///< suite and signature; empty: format 1

    std::string encode() const;
    std::string signed_part() const;
    static Result<ControlEntry> decode(std::string_view bytes);
};

/// Says which unit and level a replica writes for. Issued by the unit or one above it; travels with the
/// commits that need it. `suite` 0 is unsigned, and counts only in a city without a root key (format 1).
struct Certificate {
    ReplicaId replica;
    std::string unit;
    Level level = Level::none;
    ControlPos control;  ///< where the issuer stood
    std::string issuer;  ///< unit
    std::string label;   ///< what people call the device
    std::uint8_t suite = 0;
    std::string public_key, signature;
    std::string nonce;         ///< the replica's name follows from key and nonce: nobody else can have its certificate
    ReplicaId issuer_replica;  ///< whose key signed it; zero: the city's root

    trust::PublicKey key() const { return {suite, public_key}; }
    std::string encode() const;
    std::string signed_part() const;
    static Result<Certificate> decode(std::string_view bytes);
};

struct Unit {
    ControlPos since;
    std::string id, parent;
    Level level = Level::none;
    std::string name, short_name;
    std::string json;  ///< the whole entry
    /// Closed: nobody writes for it any more. Its records stay where they are; with a successor they are the
    /// successor's to go on with, as if they were its own.
    bool abolished = false;
    std::string merged_into;
};

/// What still counts of a revoked replica: in each stream that is named, up to that commit; elsewhere nothing.
struct Revocation {
    ControlPos since;
    std::map<StreamId, std::pair<Seq, Hash>> last;
    /// Whom it had vouched for as far as the city knew; whoever else shows its word was made by the thief. None: not
    /// said (an entry of an earlier program).
    std::optional<std::set<ReplicaId>> vouched;
};

/// How an author stands to a stream's unit.
struct Relation {
    Level level = Level::none;
    bool unit = false, above = false;
    bool reaches() const { return unit || above; }
    bool may(std::uint32_t by) const;
};

/// The numbers that an entity's fields and groups have in this node: by first appearance in the control
/// log, hence stable when a later version inserts a field in the middle.
struct EntityBinding {
    int number = 0;
    std::string name;
    const Entity* newest = nullptr;
    std::vector<std::string> groups, fields;  ///< names by number
    std::vector<const Group*> group_defs;     ///< newest definition by number
    std::vector<const Field*> field_defs;
    std::vector<bool> plain;   ///< by group: a register (latest, authority, owner, keep_both) in every version
    std::vector<bool> steady;  ///< by group: every version that has it gives it the same rule and the same fields
    std::vector<std::vector<int>> group_fields;  ///< by group: numbers of its newest fields, ascending
    std::vector<std::uint64_t> ever_freezes;     ///< by state: groups that any version freezes there
    int group(std::string_view n) const;
    int field(std::string_view n) const;
    /// Whether a row in this state keeps the group as it was reviewed, by any version.
    bool is_frozen(int state, std::size_t group) const {
        const auto s = static_cast<std::size_t>(state);
        return s < ever_freezes.size() && (ever_freezes[s] >> group & 1);
    }
};

/// An entity as one catalog version declares it, in the node's numbers.
struct EntityVersion {
    const Entity* entity = nullptr;
    EntityBinding* binding = nullptr;
    std::vector<int> group_no;  ///< by index into entity->groups
    std::vector<int> field_no;  ///< by index into entity->fields
    /// Freeze bits of a state in the node's group numbers.
    std::uint64_t freezes(int state) const;
};

class ControlState {
public:
    /// `knows`: the level of the catalog's language; what needs more is left to newer programs.
    explicit ControlState(std::uint32_t knows = kCatalogLevel) : knows_(knows) {}

    ControlPos head() const { return head_; }
    const Hash& head_hash() const { return head_hash_; }

    enum class Trust : std::uint8_t { check, checked };  ///< checked: it comes from this node's own disk
    /// Errc::protocol when it does not follow the head or is not signed by the root key, Errc::bad_input when its
    /// payload makes no sense.
    Result<> apply(const ControlEntry& entry, Trust trust = Trust::check);

    enum class Verdict : std::uint8_t { good, waits, bad };
    struct Judgement {
        Verdict verdict = Verdict::bad;
        std::string why;  ///< bad: one line
    };
    /// By the tree at the certificate's control position, with its issuer's certificate; waits for either of them.
    Judgement judge(const Certificate& cert) const;
    /// Counts from now on; it was judged good.
    Result<> add(const Certificate& cert);
    /// Instead of the one that is known for its replica.
    void replace(const Certificate& cert) { certs_.insert_or_assign(cert.replica, cert); }
    /// Empty: a city without keys, where nothing is signed.
    const trust::PublicKey& root_key() const { return root_key_; }
    bool is_signed() const { return !root_key_.empty(); }

    const Certificate* cert(const ReplicaId& replica) const;
    const std::unordered_map<ReplicaId, Certificate>& certs() const { return certs_; }
    /// Null when it was not revoked. A later incarnation of a revoked device's key is revoked as well, and who was
    /// vouched for by one without the city's knowing.
    const Revocation* revocation(const ReplicaId& replica) const;
    /// Whether the replica is the city's own server: the root key vouched for it, or for an earlier incarnation of its
    /// key. Only that one signs checkpoints and says that the city has something; any other PC of the root office does
    /// not.
    bool speaks_for_city(const ReplicaId& replica) const;
    /// A commit that counts although its author was revoked.
    bool is_released(const Hash& commit) const { return released_.contains(commit); }
    bool has_revocations() const { return !revoked_.empty(); }

    /// The unit as it stood at `at`; null when unknown then.
    const Unit* unit(const std::string& id, ControlPos at) const;
    const Unit* unit(const std::string& id) const { return unit(id, head_); }
    /// Unit ids in order of appearance.
    const std::vector<std::string>& units() const { return unit_order_; }
    const std::string& root() const { return root_; }
    const std::string& city_meta() const { return city_meta_; }
    /// Eight bytes of the first entry's hash: two cities never share it. 0 before the first entry.
    std::uint64_t city_mark() const { return city_mark_; }

    /// Who goes on with a unit's records: itself, or what it was merged into.
    const std::string& successor(const std::string& unit, ControlPos at) const;
    bool is_abolished(const std::string& unit, ControlPos at) const;
    /// Whose reach an office has: the highest unit above it of its own level (a department acts for the city).
    const std::string& authority(const std::string& unit, ControlPos at) const;
    bool is_at_or_below(const std::string& unit, const std::string& top, ControlPos at) const;
    Relation relation(const Certificate& author, const StreamId& stream, ControlPos at) const;
    /// Whether a node of `unit` holds `stream`, by the newest tree.
    bool holds(const std::string& unit, const StreamId& stream) const { return holds(unit, stream, head_); }
    bool holds(const std::string& unit, const StreamId& stream, ControlPos at) const;
    /// Its own and those of all units below, and what is written for all below it, by the newest tree; those that
    /// nobody has written to yet included. Costs as much as there are units at or below it.
    std::vector<StreamId> scope(const std::string& unit) const;
    /// Whether it does or did by any tree so far.
    bool held_ever(const std::string& unit, const StreamId& stream) const;
    /// Whether the streams that a node of `unit` holds are others by the tree at `b` than by the tree at `a`.
    bool scope_differs(const std::string& unit, ControlPos a, ControlPos b) const;

    /// The newest one that this program can read; null before the first.
    const Catalog* newest_catalog() const { return catalogs_.empty() ? nullptr : catalogs_.rbegin()->second.get(); }
    /// The city's newest version, readable here or not.
    std::uint32_t catalog_version() const { return catalog_version_; }
    /// The entity in that catalog version, if the version stood at `at`; null otherwise.
    const EntityVersion* entity(std::string_view name, std::uint32_t version, ControlPos at) const;
    /// As the newest catalog declares it that this program can read.
    const EntityVersion* newest(std::string_view name) const;
    const std::vector<std::unique_ptr<EntityBinding>>& bindings() const { return bindings_; }

    /// The level of the catalog's language that is needed to read the entity in that version; 0: none that is not
    /// known here.
    std::uint32_t needs_newer(std::string_view name, std::uint32_t version, ControlPos at) const;
    /// The same for the newest readable catalog: then the entity's records can be looked at and not written.
    std::uint32_t needs_newer(std::string_view name) const;
    /// Some version, or an entity of one, is left to newer programs.
    bool has_newer() const { return has_newer_; }

private:
    Result<> apply_city(const ControlEntry& e);
    Result<> apply_revoke(const ControlEntry& e);
    Result<> apply_release(const ControlEntry& e);
    Result<> apply_catalog(const ControlEntry& e);
    Result<> may_follow(const Catalog& next) const;
    Result<> bind(const Entity& entity, std::uint32_t version);
    Result<> apply_unit(const ControlEntry& e);
    Result<> check_abolition(const Unit& u) const;
    std::vector<const Revocation*> revocations_above(const ReplicaId& replica) const;
    std::optional<ControlPos> revoked_since(const ReplicaId& replica) const;

    std::uint32_t knows_;
    bool has_newer_ = false;
    std::uint32_t catalog_version_ = 0;
    std::map<std::uint32_t, std::uint32_t> newer_versions_;  // whole catalogs that are left to newer programs: needs
    ControlPos head_;
    Hash head_hash_;
    std::string root_, city_meta_;
    trust::PublicKey root_key_;
    std::map<ReplicaId, Revocation> revoked_;
    std::set<Hash> released_;
    std::uint64_t city_mark_ = 0;
    std::unordered_map<std::string, std::vector<Unit>> units_;  // history, ascending `since`
    std::vector<std::string> unit_order_;
    std::unordered_map<std::string, std::vector<std::string>> below_;  // by parent, of the newest tree
    std::vector<ControlPos> moves_;  ///< where a unit that was there already became another
    std::unordered_map<ReplicaId, Certificate> certs_;
    std::map<std::uint32_t, std::shared_ptr<const Catalog>> catalogs_;
    std::map<std::uint32_t, ControlPos> catalog_since_;
    std::vector<std::unique_ptr<EntityBinding>> bindings_;
    std::map<std::uint32_t, std::unordered_map<std::string, std::unique_ptr<EntityVersion>>> versions_;
};

}  // namespace taizhang
