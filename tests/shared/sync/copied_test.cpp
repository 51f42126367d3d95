// A PC that was put back from its backup, or copied: what is saved while an answer with its own other past is under way.
#include "tests/shared/sync/under_way.h"
#include "tests/support/ok.h"
#include "tests/support/scratch.h"

#include <catch2/catch.hpp>

#include <cstdio>

namespace taizhang::copied_test {
using namespace taizhang::support;

TEST_CASE("a PC put back from its backup: what is saved while the hub gives back what came after the backup goes up",
          "[sync][session][fork]") {
    World w;
    w.new_assignment("A1", "T1", "B01");
    auto a = w.device("B01");
    const std::string path = scratch("tz-copied-test.db");
    for (const char* x : {"", "-wal", "-shm"}) std::remove((path + x).c_str());
    must((*a)->database().backup_to(path));
    for (const char* t : {"一", "二", "三"}) a->set("assignment", "A1", {{"remark", text(t)}});
    w.sync(*a);
    {
        Device back(77, path, {}, {}, a->keys);
        const auto id = back->id();
        sync::Session s(*back);
        const auto answer = must(w.hub->handle(must(s.request())));
        back.set("assignment", "A1", {{"next_steps", text("还原后写的")}});
        must(s.reply(answer));
        REQUIRE(must(back->is_forked(kB01, id)));
        CHECK(*sync::unsent_count(*back) > 0);
        CHECK(s.wants_more());
        SECTION("in the same session") {
            while (s.wants_more()) must(s.reply(must(w.hub->handle(must(s.request())))));
        }
        SECTION("after the program was started anew") {
            back.reopen();
            w.sync(back);
        }
        CHECK(*sync::unsent_count(*back) == 0);
        CHECK(w.city.field("A1", "next_steps") == "还原后写的");
        CHECK(w.city.field("A1", "remark") == "三");
        CHECK(*back->digest() == *w.city->digest());
    }
    for (const char* x : {"", "-wal", "-shm"}) std::remove((path + x).c_str());
}

}  // namespace taizhang::copied_test
