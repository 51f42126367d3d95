#include "tests/sim/catalogs.h"

#include "base/embedded.h"

namespace taizhang::sim {
namespace {

std::string probe_fields(int version) {
    std::string out = R"(
[entity.probe.fields]
)";
    if (version >= 2) out += "origin = { group = \"pair\", max = 100 }\n";
    out += R"(title   = { group = "pair", max = 200 }
amount  = { type = "number", group = "pair" }
verdict = { group = "answer", max = 400 }
score   = { type = "integer", group = "answer" }
due     = { type = "date", rule = "owner", by = ["above"], refused_as = "extension_request" }
quota   = { type = "integer", rule = "owner", by = ["county", "city"] }
)";
    if (version >= 2) out += "place = { rule = \"keep_both\" }\n";
    out += version >= 3 ? "story = { rule = \"keep_both\", by = [\"unit\", \"above\"] }\n"
                        : "story = { rule = \"keep_both\", by = [\"unit\"] }\n";
    out += version >= 2 ? "remark = { rule = \"keep_both\" }\n" : "remark = { }\n";
    out += R"(diary   = { rule = "append" }
tags    = { rule = "set" }
spent   = { type = "integer", rule = "sum" }
hours   = { type = "number", rule = "sum" }
)";
    return out;
}

std::string probe_workflow(int version) {
    const bool more = version >= 2;
    std::string out = "[entity.probe.workflow]\nfield = \"phase\"\n";
    out += more ? R"(states = ["open", "review", "returned", "closed", "held", "archived"]
[entity.probe.workflow.frozen]
closed = ["story", "pair", "tags", "diary", "spent", "remark"]
archived = ["story", "pair", "answer", "tags", "diary", "spent", "remark"]
)"
                : R"(states = ["open", "review", "returned", "closed", "held"]
[entity.probe.workflow.frozen]
closed = ["story", "pair", "tags", "diary", "spent"]
)";
    out += R"([entity.probe.workflow.transitions]
submit    = { from = ["open", "returned"], to = "review", by = ["unit"], takes = ["text"] }
send_back = { from = ["review"], to = "returned", by = ["above"], needs = ["reason"] }
close     = { from = ["open", "review", "returned"], to = "closed", by = ["county", "city"], )";
    if (version >= 3) out += "only_above = true, ";
    out += R"(takes = ["reason"] }
hold      = { from = ["open", "review", "returned"], to = "held", by = ["above"] }
unhold    = { from = ["held"], to = "open", by = ["above"] }
reopen    = { from = ["closed"], to = "returned", by = ["city"], takes = ["reason"] }
carry     = { from = ["open"], to = "*", by = ["above"], needs = ["state"] }
)";
    if (more) out += "archive = { from = [\"closed\"], to = \"archived\", by = [\"city\"] }\n";
    return out;
}

/// As the real catalog has it: what names a content.
constexpr const char* kEvidence = R"(
[entity.evidence]
label = ["佐证材料", "evidence"]
[entity.evidence.fields]
record_id = { max = 128 }
unit_id   = { max = 64 }
name      = { max = 400 }
size      = { type = "integer" }
hash      = { max = 80 }
)";

std::string own_entities(int version) {
    std::string out = R"(
[entity.probe]
label = ["试样", "probe"]
)";
    // Some machines run a program from before this.
    if (version >= 3) out += "needs = 2\n";
    out += R"([entity.probe.groups]
pair   = { rule = "latest" }
)";
    out += version >= 3 ? "answer = { rule = \"latest\" }\n" : "answer = { rule = \"authority\" }\n";
    out += probe_fields(version) + probe_workflow(version);
    out += R"(
[entity.bulletin]
label = ["通知", "bulletin"]
audience = "notice"
id = "uuid"
[entity.bulletin.groups]
head = { rule = "authority" }
[entity.bulletin.fields]
subject = { group = "head", max = 200 }
issued  = { type = "datetime", group = "head" }
body    = { rule = "keep_both" }
readers = { rule = "set" }
reads   = { type = "integer", rule = "sum" }

[entity.register]
label = ["登记", "register"]
key = ["unit_id", "year"]
[entity.register.fields]
unit_id = { type = "ref", ref = "unit", rule = "authority" }
year    = { type = "integer" }
counted = { type = "integer", rule = "sum" }
checked = { type = "bool", rule = "owner", by = ["above"] }
kind    = { type = "choice", choices = ["甲", "乙", "丙"], rule = "keep_both" }
)";
    if (version >= 2)
        out += R"(
[entity.visit]
needs = 1
label = ["走访", "visit"]
[entity.visit.fields]
whom  = { max = 100 }
notes = { rule = "append" }
count = { type = "integer", rule = "sum" }
)";
    return out;
}

}  // namespace

std::string catalog_text(int version, bool with_ledger) {
    const std::string head = "version = " + std::to_string(version) + "\n";
    if (!with_ledger) return head + own_entities(version) + kEvidence;
    std::string ledger(embedded::ledger_catalog);
    const auto at = ledger.find("\nversion = ");
    const auto end = ledger.find('\n', at + 1);
    ledger.replace(at + 1, end - at, head);
    return ledger + own_entities(version);
}

}  // namespace taizhang::sim
