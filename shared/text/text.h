// text.h - people's words: Chinese first, English beside it, from one table.
//
// text/text.cpp is the table. A message has {} places, filled in order. Which
// language is shown: TAIZHANG_LANG = zh, en or both (default).
// Threads: any.
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>

namespace taizhang::text {

enum class Msg {
    saved,
    saved_as,
    no_records,
    n_records,
    state,
    conflicts_title,
    open_conflict,
    decided,
    winner,
    loser,
    why,
    history,
    accepted,
    not_accepted,
    allowed_now,
    township_has,
    city_has,
    not_yet,
    unsent,
    last_sync,
    never_synced,
    waiting,
    needs_program,
    needs_program_rows,
    catalog_published,
    catalog_would,
    clock_trusted,
    clock_low,
    open_conflicts,
    verified_ok,
    sync_done,
    sync_refused,
    sync_progress,
    agent_resting,
    agent_offline,
    agent_failing,
    agent_live,
    offline_kept,
    enrolled,
    code_is,
    code_hint,
    revoked,
    released,
    request_made,
    enrolled_by_file,
    keys_wrapped,
    keys_plain,
    serving,
    port_file,
    stopped,
    imported,
    importing,
    ignored_keys,
    review_title,
    review_gap,
    review_units,
    too_few,
    syncing,
    fetching,
    exported,
    export_receipt,
    export_to_above,
    bundle_taken,
    bundle_held,
    bundle_missing,
    backup_made,
    backup_keys_open,
    checkpoint_made,
    checkpoint_file,
    verified_since,
    audit_progress,
    audit_written,
    audit_done,
    unit_changed,
    enrol_again,
    merged_into,
    unit_closed,
    out_of_scope,
    compacted,
    history_elsewhere,
    arrived_late,
    restored,
    files_offline,
    fetch_offline,
    files_done,
    files_left,
    attachments,
    attached,
    content_here,
    content_part,
    content_not_here,
    content_asked,
    content_kept,
    content_refused,
    content_written,
    content_units,
    city_written,
    sheet_written,
    sheet_place,
    sheet_row,
    sheet_create,
    sheet_change,
    sheet_refuse,
    sheet_same,
    sheet_ignored,
    sheet_result,
    sheet_dry_run,
    document_written,
    launch_address,
    person_done,
    no_accounts,
    closed_to_network,
    code_prompt,
    password_prompt,
    password_again,
    code_servers,
};

/// The message in the chosen language, its places filled.
std::string say(Msg m, std::initializer_list<std::string_view> values = {});
/// "中文 / English" whatever the language, each half with values of its own: for errors, which choose() cuts at the
/// edge.
std::string both(Msg m, std::initializer_list<std::string_view> zh, std::initializer_list<std::string_view> en);
/// The two halves of "中文 / English"; the whole twice when there is one only.
std::pair<std::string, std::string> halves(std::string_view both);
/// "中文 / English" cut down to the chosen language.
std::string choose(std::string_view both);

}  // namespace taizhang::text
