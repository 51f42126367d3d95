// keep - writes small databases of the present schema version, to be kept in tests/golden when the next version comes.
//
// usage: keep DIR
// A city and PCs of one branch: one that began from a state and has work that was not sent, a row whose past it
// is about to ask for, and contents; one that dropped its old history. tests/shared/replica/upgrade_test.cpp opens what
// earlier versions of this program wrote, and says which figures to expect.
#include "tests/shared/files/nodes.h"
#include "tests/support/must.h"

#include <cstdio>
#include <iostream>

namespace taizhang {
namespace {

using support::must;
using support::text;

constexpr std::int64_t kDay = 86'400'000;

struct Keep : support::World {
    explicit Keep(std::string to) : dir(std::move(to)) {}

    void year() {
        for (int i = 0; i < 20; ++i) new_assignment("A" + std::to_string(i), "T1", "B01");
        sync(*a);
        sync(*b);
        for (int i = 0; i < 20; ++i) a->set("assignment", "A" + std::to_string(i), {{"remark", text("年初")}});
        a->set("assignment", "A1", {{"result_text", text("甲稿")}});
        b->set("assignment", "A1", {{"result_text", text("乙稿")}});
        a->act("assignment", "A4", "apply_close_out");
        settle();
        // A clock that runs far ahead: once the city has signed, its stamp counts as none.
        a->clock.wall_ms += 300 * kDay;
        a->set("assignment", "A7", {{"remark", text("明年")}});
        a->clock.wall_ms -= 300 * kDay;
        b->set("assignment", "A7", {{"remark", text("今天")}});
        settle();
        city.clock.wall_ms += kDay;
        sign();
    }
    void settle() {
        for (int i = 0; i < 2; ++i) {
            sync(*a);
            sync(*b);
        }
    }
    void sign() {
        if (!city->note_backup(city->log_head())) throw std::runtime_error("no backup");
        must(city->checkpoint());
        settle();
    }
    /// The newest device: from a state, and in the middle of several things.
    void late_device() {
        late = device("B01");
        photo = std::make_unique<support::FileNode>(*late);
        photo->attach("A2", "B01", support::noise(3000, 1), "E-1");
        sync(*late);
        support::FileNode at_city(city);
        exchange(*photo, *hub, at_city);
        photo->attach("A2", "B01", support::noise(5000, 2), "E-2");
        sync(*late);
        some_bytes_of_a_third();
        b->set("assignment", "A6", {{"result_text", text("乙的")}});
        late->set("assignment", "A6", {{"result_text", text("新电脑的")}});
        sync(*b);
        sync::Session s(**late);  // one trip of it: what the row needs is not asked for yet
        if (!s.reply(must(hub->handle(must(s.request()))))) throw std::runtime_error("no reply");
        late->set("assignment", "A8", {{"remark", text("还没有发")}});
        must((*a)->drop_old(a->clock.wall_ms + kDay));
    }
    void some_bytes_of_a_third() {
        const auto bytes = support::noise(9000, 3);
        const auto hash = hash_of(bytes);
        photo->name("A3", "B01", hash, bytes.size(), "E-3");
        must(photo->contents->expect(hash));
        if (!photo->index().set_wanted(hash, files::kWantedHere)) throw std::runtime_error("no wish");
        const auto part = bytes.substr(0, 4096);
        must(photo->contents->take({hash, bytes.size(), 0, wire::range_check(part), part}));
    }
    void write(Replica& r, const std::string& name) {
        const auto path = dir + "/" + name;
        std::remove(path.c_str());
        if (auto done = r.database().exec("VACUUM INTO '" + path + "'"); !done)
            throw std::runtime_error(done.error().detail);
        for (const auto& [stream, digest] : must(r.digest()))
            std::cout << name << " " << stream << " " << digest << "\n";
    }

    std::string dir;
    std::unique_ptr<support::Device> a = device("B01"), b = device("B01"), late;
    std::unique_ptr<support::FileNode> photo;
};

}  // namespace
}  // namespace taizhang

int main(int argc, char** argv) {
    if (argc != 2) {
        std::cerr << "usage: keep DIR\n";
        return 2;
    }
    try {
        taizhang::Keep k(argv[1]);
        k.year();
        k.late_device();
        k.write(**k.late, "branch.db");
        k.write(**k.a, "branch-dropped.db");
        k.write(*k.city, "city.db");
    } catch (const std::exception& e) {
        std::cerr << e.what() << "\n";
        return 1;
    }
}
