// badactor - does with genuine keys what the programs never do; for tests/e2e, against the real programs.
//
//   badactor device DIR URL forge AUTHOR ROW      a commit under a colleague's name, signed with one's own key
//   badactor device DIR URL scope STREAM ROW      one's own commit in a stream of somebody else
//   badactor device DIR URL claim ROW             a certificate of the city's level that one made oneself, and a commit
//   badactor device DIR URL flood N               requests without a pause, until N were refused
//   badactor sums FILE                            each page of a closed database gets the checksum of what was written
//                                                 there by hand
//   badactor relay DIR PORT UPSTREAM HOW PORT-FILE
//
// DIR is the data folder of an enrolled device or of a server; nothing is written there. A relay has TLS by the
// folder's key and passes everything on to UPSTREAM, but for what the file HOW says at that moment:
//
//   (empty)       nothing
//   alter A B     the text A in commits on the way down becomes B
//   drop          the first commit of an answer with several is left out
//   reorder       the first two are exchanged
//   old           from the first answer that acknowledged something on, every request gets that answer
//   level LEVEL   it says that it is of that level
//   ack STREAM REPLICA SEQ HASH   it adds that the city has that commit, in the city's name, signed by its own key
//
// One line of JSON for a device; a relay says nothing and serves until it is ended.
#include "http/http.h"
#include "node/node.h"
#include "node/secure.h"
#include "sqlite/page_sums.h"
#include "sync/token.h"
#include "tests/support/must.h"
#include "wire/messages.h"
#include "wire/runs.h"

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/json.hpp>

#include <fstream>
#include <iostream>
#include <sstream>
#include <stdexcept>

namespace taizhang::badactor {
namespace {

using support::must;
namespace net = boost::asio;
namespace json = boost::json;
using namespace std::chrono_literals;

ReplicaId replica_of(const std::string& hex) {
    const auto raw = from_hex(hex);
    ReplicaId id;
    if (raw.size() != id.bytes.size()) throw std::runtime_error("not a replica: " + hex);
    std::memcpy(id.bytes.data(), raw.data(), raw.size());
    return id;
}

http::Request post(std::string target, std::string body) {
    http::Request q;
    q.method = "POST";
    q.target = std::move(target);
    q.body = std::move(body);
    return q;
}

// ------------------------------------------------------------------ a device

class Device {
public:
    Device(node::Node& n, std::string url) : r_(n.replica()), url_(std::move(url)) {}

    json::object forge(const ReplicaId& author, const std::string& row) {
        const StreamId stream{own().unit, Audience::ledger};
        add(header(author, stream), row, "remark", "冒名写的");
        return send();
    }
    json::object scope(const StreamId& stream, const std::string& row) {
        add(header(r_.id(), stream), row, "remark", "越界写的");
        return send();
    }
    json::object claim(const std::string& row) {
        auto c = own();
        std::array<std::uint8_t, trust::kNonceBytes> nonce{7};
        c.nonce = std::string(view(nonce));
        c.replica = trust::replica_id(key().public_key(), c.nonce);
        c.issuer = c.unit;
        c.issuer_replica = r_.id();
        const StreamId stream{c.unit, Audience::ledger};
        c.unit = r_.control().root();
        c.level = Level::city;
        c.signature = key().sign(kForCertificate, c.signed_part());
        q_.certificates.push_back(c.encode());
        add(header(c.replica, stream), row, "deadline", "2039-01-01");
        return send();
    }
    json::object flood(int refusals) {
        net::io_context io(1);
        http::Client client(io, url_, nullptr);
        q_ = request();
        const auto body = wire::encode(q_);
        json::object out{{"200", 0}, {"503", 0}, {"other", 0}};
        constexpr int kRequestsMax = 20'000;  // its purse fills up again: a slow machine's flood takes longer
        for (int i = 0; i < kRequestsMax && out["503"].as_int64() < refusals; ++i) {
            const auto answer = ask(io, client, body);
            const char* key = !answer                 ? "other"
                              : answer->status == 200 ? "200"
                              : answer->status == 503 ? "503"
                                                      : "other";
            out[key] = out[key].as_int64() + 1;
        }
        return out;
    }

private:
    const trust::Key& key() const { return *r_.keys().device; }
    const Certificate& own() const { return *r_.control().cert(r_.id()); }

    CommitHeader header(const ReplicaId& author, const StreamId& stream) {
        CommitHeader h;
        h.replica = author;
        h.stream = stream;
        h.seq = Seq{1};
        h.control = r_.control().head();
        h.catalog = r_.control().catalog_version();
        h.person = "某人";
        h.time = static_cast<std::uint64_t>(r_.now().ms) << 16;
        for (const auto& head : must(r_.chain_heads(std::span(&stream, 1))))
            if (head.replica == author) {
                h.seq = Seq{head.seq.value + 1};
                h.prev = head.hash;
            }
        return h;
    }

    void add(const CommitHeader& h, const std::string& row, const std::string& field, const std::string& text) {
        const auto* e = r_.control().newest("assignment")->entity;
        const auto& f = e->fields[static_cast<std::size_t>(e->field(field))];
        CommitWriter w;
        w.row(e->name, row);
        w.part(fold::Op::put, e->groups[static_cast<std::size_t>(f.group)].name, {});
        w.field(field, Value::text(text));
        const auto bytes = w.finish(h);
        std::string packed;
        Packer().pack(bytes, packed);
        q_.signatures.push_back({q_.commits.size(), key().sign(kForHead, view(hash_of(bytes).bytes))});
        q_.commits.push_back(std::move(packed));
    }

    wire::SyncRequest request() {
        auto q = std::move(q_);
        q.token = must(sync::upstream_token(r_));
        q.replica = r_.id();
        q.city = r_.control().city_mark();
        q.control = r_.control().head();
        q.runs = wire::write_runs(q.commits, q.replica);
        return q;
    }

    static Result<http::Response> ask(net::io_context& io, http::Client& client, std::string body) {
        Result<http::Response> out = fail(Errc::internal, "nothing came");
        net::co_spawn(io, client.send(post("/sync", std::move(body)), 60s),
                      [&](std::exception_ptr, Result<http::Response> r) { out = std::move(r); });
        io.run();
        io.restart();
        return out;
    }

    json::object send() {
        net::io_context io(1);
        http::Client client(io, url_, nullptr);
        const auto answer = must(ask(io, client, wire::encode(request())));
        json::object out{{"status", answer.status}};
        if (answer.status != 200) {
            out["line"] = answer.body;
            return out;
        }
        wire::SyncReply m;
        must(wire::decode(answer.body, m));
        json::array verdicts;
        for (const auto& v : m.verdicts) verdicts.push_back(static_cast<int>(v.kind));
        out["took"] = m.took != 0;
        out["acks"] = m.acks.size();
        out["verdicts"] = std::move(verdicts);
        return out;
    }

    Replica& r_;
    std::string url_;
    wire::SyncRequest q_;
};

// ------------------------------------------------------------------ a relay

class Relay {
public:
    Relay(node::Node& n, net::io_context& io, std::string upstream, std::string how)
        : r_(n.replica()), io_(io), upstream_(std::move(upstream)), how_(std::move(how)) {}

    net::awaitable<http::Response> answer(http::Request q) {
        http::Response out;
        out.content_type.clear();
        const auto how = words();
        if (!how.empty() && how.front() == "old" && !old_.empty()) {
            out.body = old_;
            co_return out;
        }
        http::Client client(io_, upstream_, nullptr);
        auto message = post(q.target, q.body);
        auto there = co_await client.send(std::move(message), 60s);
        if (!there) {
            out.status = 503;
            out.body = there.error().detail;
            co_return out;
        }
        out.status = there->status;
        out.body = std::move(there->body);
        if (out.status == 200 && q.target == "/sync" && !how.empty()) out.body = changed(out.body, how);
        co_return out;
    }

private:
    std::vector<std::string> words() const {
        std::ifstream in(how_);
        std::vector<std::string> out;
        for (std::string word; in >> word;) out.push_back(word);
        return out;
    }

    std::string changed(const std::string& body, const std::vector<std::string>& how) {
        wire::SyncReply m;
        must(wire::decode(body, m));
        if (how[0] == "old" && (m.took != 0 || !m.acks.empty())) old_ = body;
        if (how[0] == "level") m.level = level_from(how.at(1));
        if (how[0] == "ack") m.acks.push_back(forged_ack(how));
        if (how[0] == "alter" || how[0] == "drop" || how[0] == "reorder") change_commits(m, how);
        return wire::encode(m);
    }

    void change_commits(wire::SyncReply& m, const std::vector<std::string>& how) {
        must(wire::read_runs(m.runs, {}, m.commits));
        if (how[0] == "alter")
            for (auto& c : m.commits)
                if (const auto at = c.find(how.at(1)); at != std::string::npos) c.replace(at, how[1].size(), how.at(2));
        if (how[0] == "drop" && m.commits.size() > 1) {
            m.commits.erase(m.commits.begin());
            std::erase_if(m.signatures, [](const auto& s) { return s.index == 0; });
            for (auto& s : m.signatures) --s.index;
        }
        if (how[0] == "reorder" && m.commits.size() > 1) {
            std::swap(m.commits[0], m.commits[1]);
            for (auto& s : m.signatures)
                if (s.index < 2) s.index = 1 - s.index;
        }
        m.runs = wire::write_runs(m.commits, {});
        m.commits.clear();
    }

    wire::Ack forged_ack(const std::vector<std::string>& how) const {
        wire::Ack a;
        a.at.stream = StreamId::parse(how.at(1));
        a.at.replica = replica_of(how.at(2));
        a.at.seq = Seq{std::stoull(how.at(3))};
        const auto raw = from_hex(how.at(4));
        std::memcpy(a.at.hash.bytes.data(), raw.data(), std::min(raw.size(), a.at.hash.bytes.size()));
        a.level = Level::city;
        for (const auto& [id, cert] : r_.control().certs())
            if (r_.control().speaks_for_city(id)) a.signer = id;
        std::string part;
        Writer w(part);
        w.str(a.at.stream.str());
        w.raw(view(a.at.replica.bytes));
        w.varint(a.at.seq.value);
        w.raw(view(a.at.hash.bytes));
        w.u8(static_cast<std::uint8_t>(a.level));
        a.signature = r_.keys().device->sign(kForAck, part);
        return a;
    }

    Replica& r_;
    net::io_context& io_;
    std::string upstream_, how_, old_;
};

int relay(node::Node& n, const std::vector<std::string>& args) {
    net::io_context io(1);
    Relay relay(n, io, args.at(1), args.at(2));
    http::Server server(io, {}, [&](http::Request q) { return relay.answer(std::move(q)); });
    server.secure(must(node::server_tls(n)));
    const auto port = must(server.listen("127.0.0.1:" + args.at(0)));
    std::ofstream(args.at(3)) << port << std::endl;
    io.run();
    return 0;
}

int device(node::Node& n, const std::vector<std::string>& args) {
    Device d(n, args.at(0));
    const auto& what = args.at(1);
    json::object out;
    if (what == "forge") out = d.forge(replica_of(args.at(2)), args.at(3));
    if (what == "scope") out = d.scope(StreamId::parse(args.at(2)), args.at(3));
    if (what == "claim") out = d.claim(args.at(2));
    if (what == "flood") out = d.flood(std::stoi(args.at(2)));
    if (out.empty()) throw std::runtime_error("no such trick: " + what);
    std::cout << json::serialize(out) << std::endl;
    return 0;
}

int sums(const std::string& file) {
    constexpr std::size_t kPage = 4096, kSummed = kPage - sqlite::kSumBytes;
    std::fstream f(file, std::ios::in | std::ios::out | std::ios::binary);
    std::string page(kPage, 0);
    for (std::uint32_t number = 1; f.read(page.data(), kPage); ++number) {
        const auto sum = sqlite::page_sum(page.data(), kSummed, number);
        for (std::size_t i = 0; i < sizeof sum; ++i) page[kSummed + i] = static_cast<char>(sum >> (8 * i));
        f.seekp(static_cast<std::streamoff>((number - 1) * kPage)).write(page.data(), kPage);
        f.seekg(static_cast<std::streamoff>(number * kPage));
    }
    if (!f.eof()) throw std::runtime_error("cannot write " + file);
    return 0;
}

int run(const std::vector<std::string>& args) {
    if (args.at(0) == "sums") return sums(args.at(1));
    auto n = must(node::Node::open({args.at(1), false, 5s}));
    const std::vector<std::string> rest(args.begin() + 2, args.end());
    return args.at(0) == "relay" ? relay(*n, rest) : device(*n, rest);
}

}  // namespace
}  // namespace taizhang::badactor

int main(int argc, char** argv) {
    try {
        return taizhang::badactor::run({argv + 1, argv + argc});
    } catch (const std::exception& e) {
        std::cerr << "badactor: " << e.what() << "\n";
        return 2;
    }
}
