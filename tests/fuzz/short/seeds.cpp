#include "office/package.h"
#include "office/xlsx_writer.h"
#include "people/accounts.h"
#include "people/sessions.h"
#include "replica/checkpoint_file.h"
#include "sync/bundle.h"
#include "sync/news.h"
#include "tests/fuzz/short/short.h"
#include "tests/shared/files/nodes.h"
#include "tests/support/world.h"
#include "wire/envelope.h"
#include "wire/messages.h"

#include <filesystem>
#include <fstream>
#include <span>

namespace taizhang::fuzz {
namespace {

using support::text;
using support::World;

class Corpus {
public:
    explicit Corpus(std::string folder) : folder_(std::move(folder)) {}
    void add(const std::string& target, const std::string& name, const std::string& bytes) {
        std::error_code ec;
        std::filesystem::create_directories(folder_ + "/" + target, ec);
        std::ofstream out(folder_ + "/" + target + "/" + name, std::ios::binary);
        out << bytes;
        ok_ = ok_ && out.good();
    }
    bool ok() const { return ok_; }

private:
    std::string folder_;
    bool ok_ = true;
};

/// The message as it travels, and for the target of messages its body out of the envelope.
void message(Corpus& c, const std::string& name, char number, const std::string& bytes) {
    Reader r(bytes);
    r.u8();
    r.varint();
    const auto envelope = std::string_view(bytes).substr(r.offset());
    c.add("envelope", name, std::string(envelope));
    std::string body;
    if (!wire::open_envelope(envelope, body)) return;
    c.add("messages", name, number + body);
    if (number == 4) c.add("bundle", name, "\2" + body);
    if (number == 0 || number == 1) c.add("sync", name, static_cast<char>(number + 1) + body);
}

/// A branch's photo: what it offers and sends, and what the hub says.
void contents(Corpus& c, World& w) {
    auto a = w.device("B01");
    support::FileNode above(w.city), below(*a);
    below.attach("A1", "B01", support::noise(3000, 1), "E1");
    w.sync(*a);
    files::FileSession session(*below.contents);
    for (int trip = 0; trip < 3; ++trip) {
        const auto q = session.request();
        if (!q) return;
        const auto r = files::FileHub(*w.hub, *above.contents).handle(*q);
        if (!r) return;
        const auto n = std::to_string(trip);
        c.add("contents", "request-" + n, "\2" + q->substr(1));
        c.add("contents", "reply-" + n, std::string(1, '\0') + r->substr(1));
        c.add("contents", "message-" + n, "\1" + *q);
        if (!session.reply(*r)) return;
    }
}

/// A state under a checkpoint, and what enrolls a device without a network.
void beginnings(Corpus& c, World& w) {
    static_cast<void>(w.city->checkpoint());
    if (const auto state = w.city->make_snapshot({"B01", Audience::ledger}, 1 << 20); state && !state->empty())
        c.add("state", "B01", *state);
    support::Device fresh(8);
    sync::Enrolment enrolment(*fresh);
    const auto request = enrolment.request_file("PC");
    const auto answer = w.hub->answer(*request, "B01");
    const auto inside = [](std::string_view file) {
        Reader r(file.substr(4, file.size() - 4 - sizeof(Hash)));
        return std::string(r.str());
    };
    c.add("enrolment", "request", std::string(1, '\0') + inside(*request));
    if (answer)
        if (const auto letter = fresh.keys.device->open("TZA\x01", inside(answer->file))) {
            c.add("enrolment", "letter", "\1" + letter->substr(0, 4000));
            c.add("enrolment", "answer", "\2" + answer->file.substr(0, 2000));
        }
    if (const auto place = sync::news_place(*w.city)) c.add("enrolment", "poke", "\3" + sync::encode_poke(*place));
}

/// In both suites: a signature, a key with one, a sealed text.
void keys(Corpus& c) {
    for (const auto suite : {trust::kSodium, trust::kSm}) {
        const auto key = support::make_key(11, suite), other = support::make_key(12, suite);
        const auto n = std::to_string(suite);
        const auto how = [&](int what) { return std::string(1, static_cast<char>(what * 2 + (suite == trust::kSm))); };
        c.add("trust", "signature-" + n, how(0) + key->sign("head", "text"));
        std::string stated = how(1);
        Writer(stated).str(other->public_key().bytes);
        Writer(stated).str(other->sign("head", "text"));
        c.add("trust", "key-" + n, stated);
        const auto to = key->public_key();
        c.add("trust", "sealed-" + n, how(2) + *trust::seal_to(std::span(&to, 1), "fuzz", "text"));
    }
}

/// Who may sign in at an office, and who is signed in.
void people_of_an_office(Corpus& c) {
    people::Accounts accounts;
    if (!accounts.add("boss", "管理员", people::kAdministrator, "$argon2id$v=19$m=19456,t=2,p=1$c2FsdA$aGFzaA")) return;
    if (!accounts.add("wang", "王文书", people::kClerk | people::kSecretary, "$argon2id$v=19$")) return;
    accounts.note("wang", std::string(64, 'a'), "10.1.2.0/24", 1'761'955'200'000);
    c.add("accounts", "two", std::string(1, '\0') + accounts.encode());
    people::Sessions sessions({}, [n = std::uint8_t{0}](std::span<std::uint8_t> out) mutable {
        for (auto& byte : out) byte = n++;
    });
    static_cast<void>(sessions.open("", 0, 1'761'955'200'000));
    static_cast<void>(sessions.open("boss", 3, 1'761'955'200'000));
    c.add("accounts", "sessions", "\1" + sessions.encode());
}

/// A workbook, and each of its parts.
void books(Corpus& c) {
    office::Workbook book;
    office::Page page;
    page.sheet.name = "台账";
    page.sheet.rows = {{office::Cell::of_text("序号"), office::Cell::of_text("任务")},
                       {office::Cell::of_number(0.5, true), office::Cell::of_date("2025-03-01")}};
    book.pages.push_back(page);
    const auto bytes = office::write_xlsx(book, "seeds.xlsx");
    c.add("xlsx", "whole", "\xff" + *bytes);
    auto package = office::Package::open(*bytes);
    char n = 0;
    for (const auto& name : package->names()) {
        c.add("xlsx", "part-" + std::to_string(n), n + package->read(name)->substr(0, 3000));
        ++n;
    }
}

}  // namespace

bool make_seeds(const std::string& corpus) {
    Corpus c(corpus);
    World w;
    w.new_assignment("A1", "T1", "B01");
    support::Device fresh(7);
    sync::Enrolment enrolment(*fresh);
    const auto code = w.hub->new_code("B01");
    const auto asked = enrolment.request(code->code, "PC");
    message(c, "enrol-request", 2, *asked);
    message(c, "enrol-reply", 3, *w.hub->handle(*asked));

    auto a = w.device("B01"), b = w.device("B01");
    for (const char* t : {"一", "二"})
        a->set("assignment", "A1", {{"remark", text(t)}, {"next_steps", text("下一步")}});
    {
        sync::Session s(**a);
        const auto q = s.request();
        message(c, "sync-request", 0, *q);
        const auto r = w.hub->handle(*q);
        message(c, "sync-reply", 1, *r);
    }
    w.sync(*a);
    {
        sync::Session s(**b);
        message(c, "sync-reply-with-commits", 1, *w.hub->handle(*s.request()));
    }
    wire::Bundle bundle;
    bundle.from = (*a)->id();
    bundle.unit = "B01";
    bundle.city = w.city->control().city_mark();
    message(c, "bundle", 4, wire::encode(bundle));
    bundle.to = "B01";
    bundle.level = Level::branch;
    bundle.control_after = bundle.control = w.city->control().head();
    bundle.certificates = (*a)->certificate_chain((*a)->id());
    bundle.heads.push_back({{"B01", Audience::ledger}, (*a)->id(), Seq{2}, Hash{}});
    {
        const StreamId stream{"B01", Audience::ledger};
        const auto entries = (*a)->chain_after(stream, (*a)->id(), Seq{0}, 1 << 20);
        for (const auto& e : *entries) bundle.commits.push_back(e.packed);
        for (std::uint32_t i = 0; i < entries->size(); ++i)
            if (!(*entries)[i].signature.empty()) bundle.signatures.push_back({i, (*entries)[i].signature});
        bundle.ranges.push_back({{stream, (*a)->id(), Seq{0}, {}}, Seq{entries->size()}});
    }
    message(c, "bundle-with-commits", 4, wire::encode(bundle));
    const auto files = sync::make_bundle(**a, {"B01", true});
    const auto& part = files->parts.front();
    c.add("bundle", "file", std::string(1, '\0') + part);
    c.add("bundle", "frame", "\1" + part.substr(0, part.size() - 33));  // without its hash

    Packer packer;
    std::string raw;
    int n = 0;
    for (const auto& e : *w.city->chain_after({"B01", Audience::ledger}, (*a)->id(), Seq{0}, 1 << 20)) {
        if (!packer.unpack(e.packed, raw)) continue;
        c.add("commit", "raw-" + std::to_string(n), "\2" + raw);
        c.add("commit", "packed-" + std::to_string(n++), "\1" + e.packed);
    }
    n = 0;
    for (const auto& e : *w.city->control_after(ControlPos{0}, 1 << 20))
        if (e.size() < 1000) c.add("control", "entry-" + std::to_string(n++), std::string(1, '\0') + e);
    for (const auto& e : w.city->certificate_chain((*a)->id()))
        c.add("control", "certificate-" + std::to_string(n++), "\1" + e);
    c.add("control", "public-key", "\2" + a->keys.device->public_key().encode());
    c.add("control", "key-file", "\3" + support::make_key(3)->to_file());
    keys(c);
    people_of_an_office(c);
    books(c);
    contents(c, w);
    beginnings(c, w);
    const auto file = make_checkpoint_file(*w.city);
    c.add("checkpoint", "city", file->substr(0, file->size() - 32));
    return c.ok();
}

}  // namespace taizhang::fuzz
