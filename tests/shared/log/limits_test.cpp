// The bounds of a commit and of its packing: the largest that is taken, and what is one beyond.
#include "log/commit.h"
#include "log/dictionary.h"
#include "log/layout.h"

#include "tests/shared/log/second_commit.h"
#include "tests/support/reference_fold.h"

#include <zstd.h>
#include <catch2/catch.hpp>

namespace taizhang::limits_test {
namespace {

std::string noise(std::size_t n) {
    reference::Random random(11);
    std::string out(n, '\0');
    for (auto& c : out) c = static_cast<char>(random.pick(256));
    return out;
}

TEST_CASE("a commit has as many names as it may, and no more", "[log]") {
    const auto with_names = [](std::size_t n) {
        CommitWriter w;
        w.row("assignment", "1");
        for (std::size_t i = 1; i < n; ++i)
            w.lone_field(fold::Op::put, "f" + std::to_string(i), {}, false, Value::integer(1));
        return w.finish(header_of_second());
    };
    Commit c;
    CHECK(c.decode(with_names(layout::kNamesMax)).has_value());
    CHECK(c.decode(with_names(layout::kNamesMax + 1)).has_error());
}

TEST_CASE("a row's id has a largest length, and one id may stand for rows of two entities", "[log]") {
    const auto with_id = [](std::size_t n) {
        CommitWriter w;
        for (const auto* entity : {"assignment", "evidence"}) {
            w.row(entity, std::string(n, 'x'));
            // So many names that both rows fall into one place of the table of rows.
            for (const auto* field : {"remark", "deadline", "result_text"})
                w.lone_field(fold::Op::put, field, {}, false, Value::integer(1));
        }
        return w.finish(header_of_second());
    };
    Commit c;
    CHECK(c.decode(with_id(kRowIdMax)).has_value());
    CHECK(c.rows.size() == 2);
    CHECK(c.decode(with_id(kRowIdMax + 1)).has_error());
}

TEST_CASE("a commit without rows is none, and the writer begins anew behind it", "[log]") {
    CommitWriter w;
    Commit c;
    CHECK(c.decode(w.finish(header_of_second())).has_error());
    w.row("assignment", "1");
    w.lone_field(fold::Op::put, "remark", {}, false, Value::integer(1));
    CHECK(c.decode(w.finish(header_of_second())).has_value());
}

TEST_CASE("a commit above the largest size is refused, packed or not", "[log]") {
    Commit c;
    CHECK(c.decode(std::string(kCommitBytesMax + 1, '\1')).error().detail.find("2 MiB") != std::string::npos);
    std::string out;
    const std::string raw = Packer::kRaw + std::string(kCommitBytesMax + 1, 'a');
    CHECK(Packer().unpack(raw, out).error().detail.find("2 MiB") != std::string::npos);
}

TEST_CASE("a header says where it ends, and the body is behind it", "[log]") {
    CommitWriter w;
    w.row("assignment", "1");
    w.lone_field(fold::Op::put, "remark", {}, false, Value::integer(1));
    const auto bytes = w.finish(header_of_second());
    std::string alone;
    Writer head(alone);
    write_header(head, header_of_second());
    std::size_t size = 0;
    REQUIRE(Commit::decode_header(bytes, &size).has_value());
    CHECK(bytes.substr(0, size) == alone);
}

TEST_CASE("the hybrid clock does not pass the end of time", "[log]") {
    CHECK(hybrid_time(5, 0) == std::uint64_t{5} << 16);
    CHECK(hybrid_time(5, std::uint64_t{9} << 16) == (std::uint64_t{9} << 16) + 1);
    CHECK(hybrid_time(-5, 0) == 1);
    // Nothing can follow the last moment: what comes is dated by the clock.
    CHECK(hybrid_time(5, kTimeMax - 1) == std::uint64_t{5} << 16);
    CHECK(hybrid_time(std::int64_t{1} << 62, 0) < kTimeMax);
}

TEST_CASE("what does not shrink is kept as it is", "[log]") {
    const auto bytes = noise(4 * kPackMin);
    std::string packed, out;
    Packer packer;
    packer.pack(bytes, packed);
    CHECK(packed.front() == Packer::kRaw);
    REQUIRE(packer.unpack(packed, out).has_value());
    CHECK(out == bytes);
}

TEST_CASE("a packed commit that does not say its size is refused before it is unpacked", "[log]") {
    const std::string bytes(5000, 'b');
    auto* context = ZSTD_createCCtx();
    ZSTD_CCtx_setParameter(context, ZSTD_c_contentSizeFlag, 0);
    std::string packed(1 + ZSTD_compressBound(bytes.size()), Packer::kZstd);
    const auto n = ZSTD_compress2(context, packed.data() + 1, packed.size() - 1, bytes.data(), bytes.size());
    ZSTD_freeCCtx(context);
    REQUIRE_FALSE(ZSTD_isError(n));
    packed.resize(1 + n);
    std::string out;
    CHECK(Packer().unpack(packed, out).has_error());
    CHECK(out.capacity() < 1000);
}

TEST_CASE("a message packed with a dictionary that is not here is not unpacked", "[log]") {
    DictionaryCodec codec;
    std::string frame, out;
    REQUIRE(codec.compress("某支部的一天", 3, frame));
    REQUIRE(codec.decompress(kDictionary, frame, 1000, out));
    CHECK(out == "某支部的一天");
    CHECK_FALSE(codec.decompress(2, frame, 1000, out));
    CHECK(out.empty());
}

}  // namespace
}  // namespace taizhang::limits_test
