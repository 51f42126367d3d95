// An id out of bytes that are not as many as it has is no id.
#include "base/id_from.h"

#include <catch2/catch.hpp>

namespace taizhang::id_from_test {
TEST_CASE("an id is made of as many bytes as it has, and of no others", "[base]") {
    const std::string bytes(sizeof(ReplicaId), 'x');
    CHECK(id_from<ReplicaId>(bytes).hex() == to_hex(bytes));
    for (const auto& wrong : {std::string(), bytes.substr(1), bytes + "x"}) CHECK(id_from<ReplicaId>(wrong).is_zero());
    CHECK(id_from<Hash>(std::string(32, 'y')).hex() == to_hex(std::string(32, 'y')));
    CHECK(id_from<Hash>(bytes).is_zero());
}

}  // namespace taizhang::id_from_test
