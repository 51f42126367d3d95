// train.cpp - makes a zstd dictionary from the project's own data.
//
//   train_dictionary CITY OUT NUMBER [BYTES]
//
// The city file becomes commits, as `taizhangd init` makes them; every value in them
// is then said again the way people say things later, one field at a time, and every
// transition of the catalog on some row. Runs of one to twelve such commits, as a
// message carries them, and single commits, as the log holds them, are what zstd
// learns from; every seventh is kept apart to measure on. All from one seed: the same
// city and the same zstd give the same file.
#include "base/embedded.h"
#include "ledger/import.h"
#include "log/commit.h"
#include "replica/replica.h"
#include "wire/runs.h"

#include <zdict.h>
#include <zstd.h>

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <random>
#include <stdexcept>

namespace taizhang {
namespace {

constexpr std::int64_t kStartMs = 1'761'955'200'000;  // 2025-11-01
constexpr std::size_t kBytesDefault = 32u << 10, kRowsOfATransition = 12;
constexpr int kLevel = 19;

void must(const Result<>& r) {
    if (!r) throw std::runtime_error(r.error().detail);
}
template <class T>
T must(Result<T> r) {
    if (!r) throw std::runtime_error(r.error().detail);
    return std::move(*r);
}

/// One row's part, apart from the commit it was in.
struct Said {
    StreamId stream;
    std::string entity, row, group, field, person;
    Value value;
};

class Trainer {
public:
    explicit Trainer(const std::string& city_file) {
        Environment env;
        env.wall_ms = [] { return kStartMs; };
        env.steady_ms = [] { return std::int64_t{0}; };
        env.random = [this](std::span<std::uint8_t> out) {
            for (auto& b : out) b = static_cast<std::uint8_t>(random_());
        };
        Replica::Options options;
        options.path = ":memory:";
        replica_ = must(Replica::open(options, env));
        const auto city = must(ledger::read_city_file(city_file));
        must(ledger::import_city(*replica_, city, embedded::ledger_catalog, [](const auto&, auto, auto) {}));
        for (const auto& user : city.of("users"))
            if (const auto* name = user.if_contains("name")) people_.emplace_back(name->as_string());
        read_log();
        say_again();
        act();
    }

    /// In the order in which they are trained on.
    std::vector<std::string> samples() {
        std::vector<std::string> out;
        std::shuffle(commits_.begin(), commits_.end(), random_);
        for (std::size_t i = 0; i < commits_.size();) {
            const auto n = std::min<std::size_t>(1 + random_() % 12, commits_.size() - i);
            out.push_back(run(i, n));
            for (std::size_t k = i; k < i + n; k += 3) out.push_back(commits_[k]);
            i += n;
        }
        return out;
    }

private:
    void read_log() {
        const auto streams = replica_->streams();
        Packer packer;
        std::string bytes;
        Lsn at;
        do {
            const auto entries = must(replica_->log_after(at, streams, 1 << 20, at));
            for (const auto& e : entries) {
                must(packer.unpack(e.packed, bytes));
                Commit c;
                must(c.decode(bytes));
                for (const auto& row : c.rows)
                    for (const auto& part : c.parts_of(row))
                        for (const auto& f : c.fields_of(part))
                            said_.push_back({c.header.stream, std::string(c.names[row.entity]), std::string(row.id),
                                             std::string(c.names[part.name]), std::string(c.names[f.name]),
                                             c.header.person, ValueView::of(f.value).copy()});
                if (bytes.size() < 2000) commits_.push_back(bytes);
            }
        } while (at < replica_->log_head());
    }

    CommitHeader header(const StreamId& stream) {
        CommitHeader h;
        h.stream = stream;
        replica_->random(h.replica.bytes);
        replica_->random(h.prev.bytes);
        h.seq = Seq{2 + random_() % 60};
        h.control = replica_->control().head();
        h.catalog = replica_->control().newest_catalog()->version();
        h.time = static_cast<std::uint64_t>(kStartMs + static_cast<std::int64_t>(random_() % 5'000'000'000)) << 16;
        if (!people_.empty() && random_() % 2) h.person = people_[random_() % people_.size()];
        return h;
    }

    VersionId some_version() {
        VersionId v;
        replica_->random(v.bytes);
        return v;
    }

    void say_again() {
        std::shuffle(said_.begin(), said_.end(), random_);
        for (const auto& s : said_) {
            CommitWriter w;
            const std::vector<VersionId> base{some_version()};
            w.row(s.entity, s.row);
            if (s.group == s.field) {
                w.lone_field(fold::Op::put, s.group, base, false, s.value);
            } else {
                w.part(fold::Op::put, s.group, base);
                w.field(s.field, s.value);
            }
            commits_.push_back(w.finish(header(s.stream)));
        }
    }

    void act() {
        for (const auto& entity : replica_->control().newest_catalog()->entities())
            for (const auto& t : entity.workflow.transitions) {
                std::size_t made = 0;
                for (const auto& s : said_) {
                    if (s.entity != entity.name || made == kRowsOfATransition) continue;
                    ++made;
                    CommitWriter w;
                    const std::vector<VersionId> base{some_version()};
                    w.row(s.entity, s.row);
                    w.part(fold::Op::transition, t.name, base);
                    for (const auto& g : entity.groups)
                        if (random_() % 4 == 0) {
                            const std::vector<VersionId> seen{some_version()};
                            w.reviewed(g.name, seen);
                        }
                    for (const auto& list : {t.needs, t.takes})
                        for (const auto& name : list)
                            if (const auto* text = some_text(name)) w.field(name, *text);
                    commits_.push_back(w.finish(header(s.stream)));
                }
            }
    }

    /// What somebody said in a field of that name, or in any.
    const Value* some_text(const std::string& name) {
        const Value* any = nullptr;
        for (int tries = 0; tries < 200; ++tries) {
            const auto& s = said_[random_() % said_.size()];
            if (s.field == name) return &s.value;
            if (s.value.kind() == Value::Kind::text && s.value.as_text().size() > 12) any = &s.value;
        }
        return any;
    }

    /// Commits of one author in a row, as a device sends them.
    std::string run(std::size_t from, std::size_t n) {
        std::vector<std::string> packed;
        CommitHeader h;
        for (std::size_t i = from; i < from + n; ++i) {
            std::size_t size = 0;
            const auto own = must(Commit::decode_header(commits_[i], &size));
            if (i == from) h = own;
            h.time += (1000 + random_() % 3'000'000) << 16;
            std::string bytes;
            Writer w(bytes);
            write_header(w, h);
            w.raw(std::string_view(commits_[i]).substr(size));
            ++h.seq.value;
            h.prev = hash_of(bytes);
            packed.push_back(std::string(1, Packer::kRaw) + bytes);
        }
        return wire::write_runs(packed, h.replica);
    }

    std::mt19937_64 random_{20251101};
    std::unique_ptr<Replica> replica_;
    std::vector<std::string> people_, commits_;
    std::vector<Said> said_;
};

std::string trained(const std::vector<std::string>& samples, std::size_t bytes, unsigned number) {
    std::string all, out(bytes, '\0');
    std::vector<std::size_t> sizes;
    for (std::size_t i = 0; i < samples.size(); ++i) {
        if (i % 7 == 0) continue;
        all += samples[i];
        sizes.push_back(samples[i].size());
    }
    const auto count = static_cast<unsigned>(sizes.size());
    auto n = ZDICT_trainFromBuffer(out.data(), out.size(), all.data(), sizes.data(), count);
    if (ZDICT_isError(n)) throw std::runtime_error(ZDICT_getErrorName(n));
    // Its tables are those of quick compression; what we send is compressed as well as zstd can.
    const auto header = ZDICT_getDictHeaderSize(out.data(), n);
    const auto content = out.substr(header, n - header);
    ZDICT_params_t p{};
    p.compressionLevel = kLevel;
    p.dictID = 32768 + number;  // the range for private use
    n = ZDICT_finalizeDictionary(out.data(), out.size(), content.data(), content.size(), all.data(), sizes.data(),
                                 count, p);
    if (ZDICT_isError(n)) throw std::runtime_error(ZDICT_getErrorName(n));
    out.resize(n);
    return out;
}

void report(const std::vector<std::string>& samples, const std::string& dictionary) {
    auto* context = ZSTD_createCCtx();
    std::size_t raw = 0, without = 0, with = 0, count = 0;
    for (std::size_t i = 0; i < samples.size(); i += 7) {
        const auto& s = samples[i];
        std::string out(ZSTD_compressBound(s.size()), '\0');
        raw += s.size();
        without += ZSTD_compressCCtx(context, out.data(), out.size(), s.data(), s.size(), kLevel);
        with += ZSTD_compress_usingDict(context, out.data(), out.size(), s.data(), s.size(), dictionary.data(),
                                        dictionary.size(), kLevel);
        ++count;
    }
    ZSTD_freeCCtx(context);
    std::printf("dictionary of %zu bytes; %zu samples kept apart: %zu bytes, %zu by zstd alone, %zu with it\n",
                dictionary.size(), count, raw, without, with);
}

int run(int argc, char** argv) {
    if (argc < 4) {
        std::fputs("usage: train_dictionary CITY OUT NUMBER [BYTES]\n", stderr);
        return 2;
    }
    const auto samples = Trainer(argv[1]).samples();
    const auto bytes = argc > 4 ? std::stoul(argv[4]) : kBytesDefault;
    const auto dictionary = trained(samples, bytes, static_cast<unsigned>(std::stoul(argv[3])));
    report(samples, dictionary);
    std::ofstream out(argv[2], std::ios::binary);
    out.write(dictionary.data(), static_cast<std::streamsize>(dictionary.size()));
    if (!out.flush()) throw std::runtime_error(std::string("cannot write ") + argv[2]);
    return 0;
}

}  // namespace
}  // namespace taizhang

int main(int argc, char** argv) {
    try {
        return taizhang::run(argc, argv);
    } catch (const std::exception& e) {
        std::fprintf(stderr, "train_dictionary: %s\n", e.what());
        return 1;
    }
}
