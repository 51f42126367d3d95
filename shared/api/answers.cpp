// The notation: text int num bool any; T? may be null; [T] a list; {name T, name~ T, * T} an object, of which members
// with ~ may be absent and * stands for names that follow from the data; A|B either; a capital letter begins the name
// of a part. Names may grow from version to version, not change (docs/CLI.md).
#include "api/answers.h"

#include <boost/json.hpp>

#include <algorithm>
#include <iterator>
#include <stdexcept>
#include <string>

namespace taizhang::api {

namespace json = boost::json;

namespace {

constexpr AnswerSpec kParts[] = {
    {"Commit", "{replica text, stream text, seq int}"},
    {"Saved", "{saved bool, record text, commits [Commit], notes [text]}"},
    {"Acks", "{township bool, city bool}"},
    {"Lights", "{green int, yellow int, red int, blue int, grey int}"},
    {"Made", "[{unit text, record text}]"},
    {"NotMade", "[{unit text, why text}]"},
    {"Version", "{value any, level text, unit text, time text, time_unverified~ bool, person~ text, replica text}"},
    {"Conflict",
     "{id text, entity text, row text, group text, kind text, conflict_kind~ text, rule text, winner Version?, losers "
     "[Version], open bool, "
     "why text, title~ text, acks~ Acks, needs_program~ text}"},
    {"Task",
     "{id text, no int?, title text, category text?, deadline text?, indicator text?, target_value num?, "
     "indicator_unit "
     "text?, lead_unit_id text?, issued_at text?, status text, light text, light_zh text, needs_program~ text}"},
    {"Assignment",
     "{id text, task_id text, title text?, unit_id text, unit text, status text, deadline text?, value num?, text "
     "text?, "
     "reported_at text?, verified_value num?, target_value num?, indicator text?, indicator_unit text?, "
     "report_frequency text?, task_status text?, issued_at text?, received_at~ text?, result_text~ text?, light text, "
     "light_zh text, kind~ text, due_this_period~ bool, acks~ Acks, needs_program~ text}"},
    {"Rectification",
     "{id text, problem text, source_type text?, unit_id text, unit text, status text, rectify_type text?, deadline "
     "text?, found_at text?, cycle int?, result_text~ text?, related_task_id~ text?, duplicate_of text?, light text, "
     "light_zh text, kind~ text, title~ text, acks~ Acks, needs_program~ text}"},
    {"CircularToDo",
     "{id text, kind text, title text?, no text?, issued_at text?, text text, problem_id text?, status text?, deadline "
     "text?, todo text}"},
    {"CircularDue",
     "{id text, kind text, title text, period text, deadline text, light text, light_zh text, todo text}"},
    {"OrderToDo",
     "{id text, kind text, title text, unit_id text, assignment_id text?, rectification_id text?, at text, by_unit_id "
     "text?, reply_by text?, deadline text?, todo text}"},
    {"Unread", "{id text, unit_id text, needs_program text}"},
    {"Row", "{id text, _unit text, needs_program~ text, * any}"},
    {"Entry",
     "{kind text, control int, time text?, not_after~ text?, unit text, unit_name text, level text, person text, "
     "replica text, device text, hash text, records [{entity text, id text, what~ {* any}}], outcome text, zh text, en "
     "text, lsn~ int, stream~ text, seq~ int, received~ text?, in_scope~ bool}"},
    {"Past",
     "{commit Commit, record text, entity text, time text, time_unverified~ bool, removal~ bool, level text, unit "
     "text, "
     "person text, what {* any}, accepted bool, why text, acks Acks, received~ text}"},
    {"Order",
     "{id text, assignment_id text?, rectification_id text?, unit_id text, at text, by_unit_id text?, reply_by text?, "
     "text text?, reply text?}"},
    {"Attachment",
     "{hash text, size int, state text, bytes_here int, levels [text], id text, name text?, stream~ text, wanted~ "
     "bool, "
     "kept_until_asked~ bool, refused~ text}"},
    {"Figures",
     "{n_verified int, G1_reported_minus_verified num?, G1_under_reported num?, n_G1 int, D1_false_completion "
     "{overturned int, verified_claims int, rate num?}, G2_point_minus_surface num?, n_G2_point int, n_G2_surface int, "
     "G3_not_landed_60d {expected int, landed int, rate num?}, G5_traditional_minus_emerging num?, n_G5_traditional "
     "int, n_G5_emerging int, G4_pushes_per_leaf num?, n_G4_pushes int, n_G4_leaves int, G4_verified_mean num?, "
     "D2_pure_forward {pure int, forwards int, rate num?}, D4_push_driven {driven int, updates int, rate num?}, "
     "verified_mean_by_level [{level text, mean num, drop num?, n int}], G4_among_peers~ {effort num, effect num, "
     "flagged bool}, D2_help_unanswered~ {late int, open int, rate num?}, D4_unmoved~ {unmoved int, pushed_twice int, "
     "rate num?}}"},
    {"Change", "{before num?, after num?, change num?}"},
    {"Line", "{line text, text text}"},
    {"Named", "{unit_id text, problem_id text?, record_id text, text text}"},
    {"Bytes", "{sent int, to_send int, received int, bytes_up int, bytes_down int, round_trips int, cuts int}"},
    {"Account", "{login text, name text, roles [text]}"},
};

constexpr std::string_view kSaved = "Saved";

constexpr AnswerSpec kAnswers[] = {
    {"list", "[Task|Assignment|Rectification|Conflict|CircularToDo|CircularDue|OrderToDo|Entry|Unread|Row]"},
    {"show",
     "{id text, entity text, unit text, stream text, fields {* any}, state text?, history [Past], conflicts [text], "
     "conflict_details [Conflict], allowed [{transition text, zh text, en text}], review_depth~ int, history_complete "
     "bool, late_days~ int, acks Acks, needs_program [{commit Commit, what text}], orders [Order], attachments "
     "[Attachment]}"},
    {"story",
     "[{time text, unit text, unit_name text, level text, person text, offline bool, received text?, accepted bool, "
     "replaced [{field text, value any}], zh text, en text}]"},
    {"status",
     "{unit text, unit_name text, replica text, unsent int, last_sync text?, server text?, server_level text?, "
     "own_commits int, acks {township int, county int, city int}, waiting int, waiting_for [{stream text, replica "
     "text, "
     "seq int, reason text, what text}], needs_program int, notices [text], contradictions [{kind text, where text, "
     "noticed text, explained bool, line text}], missing [text], quarantined int, open_conflicts int, enrol_again "
     "bool, "
     "closed bool, merged_into text?, out_of_scope [{* any}], clock text, control int, holds~ {* int}, attachments "
     "{unsent int, kept_until_asked int, refused int, wanted int}, is_hub~ bool, agent~ {state text, live bool, "
     "next_in_s int?, "
     "last_error text?, failures int, progress Bytes}?}"},
    {"report", kSaved},
    {"set", kSaved},
    {"undo", kSaved},
    {"new", kSaved},
    {"do", "Saved|{saved bool, done [{record text, state text, notes [text]}], refused [{record text, why text}]}"},
    {"resolve", kSaved},
    {"search",
     "{rows [{entity text, kind text, id text, unit_id text, unit text, state text?, field text?, label text?, excerpt "
     "text?}], more bool}"},
    {"decompose", "{task text, made Made, there Made, refused NotMade}"},
    {"expected",
     "{task text, title text, unit text, answered_by~ text, expected int, assigned int, acknowledged int, landed int, "
     "units [{id text, name text, level text, has_assignment bool, expected int, assigned int, acknowledged int, "
     "landed "
     "int}], not_reached [{id text, name text}]}"},
    {"form",
     "{task text, answered_by~ text, answers int, checks int, fields [{name text, type text, n int, sum~ num, "
     "n_verified "
     "int, verified_sum~ num, counts~ {* int}, verified_counts~ {* int}}]}"},
    {"duplicates",
     "[{record text, of text, unit_id text, unit text, similarity num, problem text, of_problem text, source_type "
     "text?, "
     "of_source_type text?, why text}]"},
    {"merge", kSaved},
    {"burden",
     "{month text, forms int, fields int, branches int, forms_per_branch num?, by_issuer [{unit_id text, unit text, "
     "forms int, fields int}], more bool, by_branch [{unit_id text, unit text, forms int, fields int, reports int}]}"},
    {"meetings",
     "[{id text, title text, at text, host_unit_id text?, host text?, convener text?, required_rank text?, required_by "
     "text?, expected int, in_person int, deputies_unapproved int, absent int, late int, below_rank int, rank_unknown "
     "int, not_recorded [{unit_id text, unit text, expected text?}], failed [{id text, unit_id text, unit text, "
     "expected "
     "text?, who text?, rank text?, status text?, late_min int, why [text], zh text, en text}], decisions [{id text, "
     "title text, status text, deadline text?, assigned int, done int}], zh text, en text}]"},
    {"convene", "{meeting text, required_rank text?, required_by text?, made Made, there Made, refused NotMade}"},
    {"unanswered",
     "[{id text, kind text, unit_id text, to_unit_id text?, unit text, asked_at text?, text text?, owes text, "
     "owes_name "
     "text, owes_level text, working_days int, late bool}]"},
    {"stocktake", kSaved},
    {"compare",
     "{from {id text, title text, at text}, to {id text, title text, at text}, scopes {* {* Change}}, counts {* "
     "Change}, "
     "rectifications {* Change}, lights {* Change}}"},
    {"trend", "{unit text, name text, months [{month text, figures Figures}]}"},
    {"breakdown",
     "[{key text, name text, assignments int, rectifications int, states {* int}, lights Lights, n_verified int, "
     "reported num?, verified num?}]"},
    {"behind",
     "{figure text, unit text, zh text, en text, hits int, of int, offset int, more bool, rows [{id text, unit_id "
     "text, "
     "unit text, hit bool, title~ text?, entity~ text, assignment_id~ text, report_id~ text, task_id~ text, "
     "meeting_id~ "
     "text, by_unit_id~ text?, at~ text?, occurred_at~ text?, received_at~ text?, forwarded_at~ text?, "
     "forward_text_similarity~ num?, asked_by~ text?, asked_at~ text?, working_days~ int, second_push~ text, status~ "
     "text?, late_min~ int?, leave_approved~ int?, deadline~ text?, issued_at~ text?, found_at~ text?, source~ text?, "
     "target_value~ num?, value~ num?, reported~ num, verified~ num, level~ text}]}"},
    {"review",
     "{metrics {by_scope {* Figures}, D3_attendance {* {meetings int, in_person int, substitute_unapproved int, absent "
     "int, late_over_10min int}}}, units [{id text, name text, level text, counts {* int}, rectifications {* int}, "
     "lights Lights}]}"},
    {"verify",
     "{ok bool, commits int, page_checksums bool, checkpoint~ {signed_by text, level text, device text, time text, "
     "streams int, chains int, "
     "commits int, not_held int}}"},
    {"audit", "{entries [Entry], next text?, read int, of int}|{file text, entries int}"},
    {"digest", "{* text}"},
    {"sql", "{columns [text], rows [[any]]}"},
    {"attach", "{saved bool, record text, commits [Commit], notes [text], name text, size int, hash text}"},
    {"fetch", "{contents [Attachment]}"},
    {"file", "{file text, hash text, size int, name text?}"},
    {"files",
     "{unsent int, kept_until_asked int, refused int, wanted int, contents int, bytes int, quota_mb int, on_demand "
     "bool, "
     "units [{unit text, contents int, bytes int}]}"},
    {"export", "{files [text], to text, commits int, contents int, contents_left int, bytes int}"},
    {"import",
     "{files [{file text, unit text, part int, parts int, made text, taken int, known int, held int, released int, "
     "content_stretches int, contents int}], missing [text]}"},
    {"backup", "{file text, keys text, keys_wrapped bool, bytes int, commits int}"},
    {"compact", "{bytes int, keep_days int}"},
    {"export-xlsx", "{file~ text, name~ text, kind text, rows int, bytes int, base64~ text}"},
    {"export-city", "{file text, bytes int, records {* int}}"},
    {"import-xlsx",
     "{kind text, sheet text, first_row int, titles_added~ bool, dry_run bool, created int, changed int, unchanged "
     "int, "
     "refused int, faults [{row int, column text, title text, why text}], rows [{row int, action text, record text?, "
     "cells [{column text, title text, from text?, to text?}], refused [{column text, title text, why text}], notes "
     "[text]}], ignored_columns [text], note_rows [int], file~ text}"},
    {"circular",
     "{saved bool, record text, no text, commits [Commit], notes [text]}|{no text, title text, text text, named "
     "[Named], "
     "paragraphs [Line]}"},
    {"circular-docx", "{file~ text, name~ text, record text, paragraphs int, lines~ [Line], bytes int, base64~ text}"},
    {"enrol",
     "{code text, unit text, expires text, fingerprint text, servers~ [text]}|{answer text, unit text, device text, "
     "fingerprint text, servers~ [text]}|{name text, base64 text, unit text, device text, fingerprint text, servers~ "
     "[text]}"},
    {"enrol-here",
     "{server text, fingerprint text, enrolled~ bool}|{name text, base64 text}|{unit text, name~ text, device text, "
     "fingerprint text, enrolled~ bool}"},
    {"devices", "[{replica text, unit text, level text, label text, key text, revoked bool}]"},
    {"person", "[Account]|{done text, login text, account~ Account, accounts int}"},
    {"revoke", "{revoked text, replicas [text], quarantined int}"},
    {"release", "{released text}"},
    {"unit", "{id text, parent_id text, level text, name text, control int, continued~ [text], * any}"},
    {"checkpoint", "{streams~ [text], covered~ int, commits~ int, backed_up~ int, file~ text, bytes~ int}"},
    {"publish",
     "{version int, newest int, needs_program [{entity text, needs int}], text text}|{version int, changes [text], "
     "published bool, control~ int}"},
    {"page",
     "{total int, offset int, seed~ text, rows [Assignment|Rectification|{id text, unit_id text, unit text, to_unit_id "
     "text?, assignment_id~ text?, about~ text, asked_at text?, text text?, answered_at text?, answer~ text?, "
     "decision~ "
     "text?, needs_program~ text}]}"},
    {"issue",
     "{reached int, already int, by_unit [{id text, name text, reached int}], burden {forms_per_month num, "
     "fields_per_month num, forms_per_month_all num, fields_per_month_all num, open_now_mean num, busiest [{id text, "
     "name text, open int}]}, same [{id text, title text, asked bool}], answered_by~ text, saved~ bool, record~ text, "
     "made~ int}"},
    {"overview",
     "{tasks [{id text, title text}], units [{id text, name text}], cells [{unit text, task text, n int, lights "
     "Lights, "
     "n_verified int, verified_mean num?}], months [{month text, reports int, substantive int, n_verified int, "
     "verified_mean num?, pushes int}]}"},
    {"units",
     "[{id text, parent_id text, level text, name text, short text, field text?, closed~ bool, merged_into~ text, "
     "devices~ [{label text, last_seen text?}]}]"},
    {"catalog",
     "{version int, entities {* {zh text, en text, fields [{name text, zh text, en text, type text, required bool, max "
     "int, choices~ [text]}], workflow~ {field text, states [text], done [text], suspended [text], awaiting_check "
     "[text], transitions [{name text, zh text, en text, from [text], to text?, needs [text], takes [text]}]}}}}"},
    {"pulse", "{head int, control int, unsent int, last_sync text?, waiting int, now text, trouble text?}"},
    {"draft", "{kept bool}"},
    {"drafts", "{* text}"},
    {"bundle", "{files [{name text, base64 text}], to text, commits int, bytes int}"},
    {"sync",
     "{sent int, received int, bytes_up int, bytes_down int, round_trips int, cuts int, unsent int, acks {township "
     "int, "
     "city int}, refused [text], notices [text], files~ {sent int, received int, known int, content_bytes_up int, "
     "content_bytes_down int, bytes_up int, bytes_down int, round_trips int, cuts int, not_here int, left int, refused "
     "[text]}}"},
    {"openapi", "{openapi text, info {* any}, paths {* any}, components {* any}}"},
};

/// Reads the notation. The shapes stand above: a fault in one is a fault of the program, found by the tests.
class Shape {
public:
    explicit Shape(std::string_view text) : left_(text) {}

    json::object whole() {
        auto out = either();
        if (!left_.empty()) wrong();
        return out;
    }

private:
    [[noreturn]] void wrong() const { throw std::logic_error("answers.cpp: at '" + std::string(left_) + "'"); }
    bool took(std::string_view s) {
        if (!left_.starts_with(s)) return false;
        left_.remove_prefix(s.size());
        return true;
    }
    std::string_view name() {
        const auto n = std::min(left_.find_first_of(" ~,?|[]{}"), left_.size());
        if (n == 0) wrong();
        const auto out = left_.substr(0, n);
        left_.remove_prefix(n);
        return out;
    }

    json::object either() {
        json::array all{one()};
        while (took("|")) all.push_back(one());
        if (all.size() == 1) return std::move(all[0].as_object());
        return {{"anyOf", std::move(all)}};
    }
    json::object one() {
        auto out = took("[") ? list() : took("{") ? object() : named(name());
        if (!took("?")) return out;
        if (out.contains("$ref")) out = {{"allOf", json::array{std::move(out)}}};
        out["nullable"] = true;
        return out;
    }
    json::object list() {
        json::object out{{"type", "array"}, {"items", either()}};
        if (!took("]")) wrong();
        return out;
    }
    json::object object() {
        json::object properties, out{{"type", "object"}};
        json::array required;
        do {
            if (took("* ")) {
                out["additionalProperties"] = either();
                continue;
            }
            const auto key = name();
            if (!took("~")) required.push_back(json::string(key));
            if (!took(" ")) wrong();
            properties[key] = either();
        } while (took(", "));
        if (!took("}")) wrong();
        if (!properties.empty()) out["properties"] = std::move(properties);
        if (!required.empty()) out["required"] = std::move(required);
        return out;
    }
    json::object named(std::string_view n) {
        if (n == "any") return {};
        if (n == "text") return {{"type", "string"}};
        if (n == "int") return {{"type", "integer"}};
        if (n == "num") return {{"type", "number"}};
        if (n == "bool") return {{"type", "boolean"}};
        const auto is_part =
            std::any_of(std::begin(kParts), std::end(kParts), [&](const auto& p) { return p.name == n; });
        if (!is_part) wrong();
        return {{"$ref", "#/components/schemas/" + std::string(n)}};
    }

    std::string_view left_;
};

}  // namespace

std::span<const AnswerSpec> answer_specs() { return kAnswers; }
std::span<const AnswerSpec> answer_parts() { return kParts; }

json::object answer_schema(std::string_view command) {
    for (const auto& a : kAnswers)
        if (a.name == command) return Shape(a.shape).whole();
    return {};
}

json::object answer_part_schemas() {
    json::object out;
    for (const auto& p : kParts) out[p.name] = Shape(p.shape).whole();
    return out;
}

}  // namespace taizhang::api
