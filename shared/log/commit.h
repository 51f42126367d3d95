// commit.h - one commit: its canonical bytes, written once and read by everyone.
//
// A commit is changes to one stream by one replica. Its bytes are what is hashed,
// stored, sent and (with the trust layer) signed; nobody re-encodes a commit that
// came from elsewhere. Layout: schema/COMMIT.md. Entities, groups and fields are
// named, not numbered, through a table at its head, so a program that does not
// know a name can still store, show and forward it.
//
// Decoding is bounded: no allocation before the bytes that justify it were seen,
// counts never above the bytes that remain, one encoding per value.
// Threads: any; an object belongs to one thread.
#pragma once

#include "base/hash.h"
#include "base/result.h"
#include "base/value.h"
#include "fold/fold.h"

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace taizhang {

/// The commit format that is written, the newest that is read. One of a later number begins with the same fields up to
/// `prev`: that is enough to check its chain, keep it and pass it on; what it says waits for a newer program.
inline constexpr std::uint8_t kCommitFormat = 1;
inline constexpr std::size_t kCommitBytesMax = 2u << 20;           ///< canonical bytes of one commit
inline constexpr std::size_t kRowIdMax = 200;                      ///< bytes of a row id
inline constexpr std::uint64_t kTimeMax = std::uint64_t{1} << 62;  ///< hybrid time: milliseconds << 16 | counter
/// The time of a commit written at `ms`, after one of `before` by the same author. An own chain may have a commit at
/// the very end of time, by whoever has a copy of the key: what follows it is written by the clock.
std::uint64_t hybrid_time(std::int64_t ms, std::uint64_t before);

struct CommitHeader {
    std::uint8_t format = kCommitFormat;
    ReplicaId replica;
    StreamId stream;
    Seq seq;
    Hash prev;  ///< hash of the commit before it in this replica and stream; zero for seq 1
    // What follows is unknown, and zero, in a commit of a newer format.
    ControlPos control;            ///< where in the control log its author stood
    std::uint32_t catalog = 0;     ///< catalog version that it was written by
    std::uint64_t time = 0;        ///< hybrid time
    bool time_unverified = false;  ///< the author's clock could not be trusted
    std::string person;            ///< who, inside the unit; may be empty
};

/// A commit's first bytes, up to its names.
void write_header(Writer& w, const CommitHeader& h);

/// Builds canonical bytes without intermediate objects: rows, parts, fields in order.
class CommitWriter {
public:
    /// Starts the next row. At most one per (entity, id).
    void row(std::string_view entity, std::string_view id);
    /// `base` and `ids` must be ascending, none twice. Starts a part of the row: a put or remove of one group, or a
    /// transition (then `name` is its name). `same_base`: the base equals that of the part before (then `base` is
    /// ignored).
    void part(fold::Op op, std::string_view name, std::span<const VersionId> base, bool same_base = false);
    /// Transitions only, before any field: the versions of a group that the author had reviewed.
    void reviewed(std::string_view group, std::span<const VersionId> ids);
    void field(std::string_view name, const Value& value);
    /// A whole part with one field that has the group's name: the common case, in one byte less a field.
    void lone_field(fold::Op op, std::string_view name, std::span<const VersionId> base, bool same_base,
                    const Value& value);
    bool empty() const { return rows_ == 0; }
    /// The finished bytes; the writer is then empty and may be used again.
    std::string finish(const CommitHeader& header);

private:
    enum class At : std::uint8_t { outside, row, reviews, fields };
    void tag(fold::Op op, std::string_view name, std::span<const VersionId> base, bool same_base, std::uint8_t more);
    void close_part();
    std::uint32_t name(std::string_view n);

    std::string body_;
    std::vector<std::string> names_;
    std::size_t last_name_ = 0;
    std::size_t rows_ = 0;
    At at_ = At::outside;
};

struct FieldRec {
    std::uint32_t name = 0;  ///< index into names
    std::string_view value;  ///< encoded (Value::write)
};
struct ReviewRec {
    std::uint32_t group = 0;
    std::uint32_t first = 0, count = 0;  ///< into bases
};
struct PartRec {
    fold::Op op = fold::Op::put;
    std::uint32_t name = 0;  ///< group, or transition
    std::uint32_t base_first = 0, base_count = 0;
    std::uint32_t review_first = 0, review_count = 0;
    std::uint32_t field_first = 0, field_count = 0;
};
struct RowRec {
    std::uint32_t entity = 0;  ///< index into names
    std::string_view id;
    std::uint32_t part_first = 0, part_count = 0;
};

/// A decoded commit: views into the bytes it was decoded from, which must outlive it.
/// Reused from commit to commit so that decoding in bulk allocates nothing.
struct Commit {
    CommitHeader header;
    bool is_newer = false;  ///< of a format that this program does not know: chain fields and hash only
    Hash hash;
    std::vector<std::string_view> names;
    std::vector<RowRec> rows;
    std::vector<PartRec> parts;
    std::vector<ReviewRec> reviews;
    std::vector<VersionId> bases;
    std::vector<FieldRec> fields;

    VersionId version() const { return version_of(hash); }
    std::span<const VersionId> base(const PartRec& p) const { return {bases.data() + p.base_first, p.base_count}; }
    std::span<const VersionId> ids(const ReviewRec& r) const { return {bases.data() + r.first, r.count}; }
    std::span<const PartRec> parts_of(const RowRec& r) const { return {parts.data() + r.part_first, r.part_count}; }
    std::span<const FieldRec> fields_of(const PartRec& p) const {
        return {fields.data() + p.field_first, p.field_count};
    }
    std::span<const ReviewRec> reviews_of(const PartRec& p) const {
        return {reviews.data() + p.review_first, p.review_count};
    }

    /// `checked`: these bytes were decoded before, by us; that their text is UTF-8 need not be asked again.
    enum class Text : std::uint8_t { unchecked, checked };
    /// Errc::protocol when the bytes are not a commit. `knows`: the newest format that is read.
    Result<> decode(std::string_view bytes, Text text = Text::unchecked, std::uint8_t knows = kCommitFormat);
    /// Only the header (cheap): enough for chains, scope and cursors; of a newer format its first fields.
    /// `size` gets the number of its bytes.
    static Result<CommitHeader> decode_header(std::string_view bytes, std::size_t* size = nullptr);
};

/// Storage and wire form of a commit's bytes: one marker byte, then raw or zstd.
/// Below `kPackMin` bytes packing does not pay: a report of one row gets a twelfth smaller, and takes 11 µs of the 30
/// that an edit has besides.
inline constexpr std::size_t kPackMin = 1024;
class Packer {
public:
    static constexpr char kRaw = 0, kZstd = 1;  ///< the markers

    Packer() = default;
    ~Packer();
    Packer(const Packer&) = delete;
    Packer& operator=(const Packer&) = delete;
    void pack(std::string_view bytes, std::string& out);
    /// Errc::protocol when damaged or larger than kCommitBytesMax.
    Result<> unpack(std::string_view packed, std::string& out);

private:
    void* compressor();
    void* decompressor();

    void* compress_ = nullptr;  // made when they are needed
    void* decompress_ = nullptr;
};

}  // namespace taizhang
