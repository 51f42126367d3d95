// tasks.h - the workload's one entity in our own engine's words.
#pragma once

#include "replica/replica.h"
#include "workload.h"

namespace taizhang::bench {

inline constexpr const char* kTasksCatalog = R"(version = 1
[entity.tasks]
label = ["任务", "task"]
id = "uuid"
home = "unit"
by = ["unit", "above"]
[entity.tasks.fields]
unit     = { max = 64 }
title    = { max = 400 }
status   = { max = 64 }
progress = { type = "integer" }
due_date = { max = 40 }
owner    = { max = 64 }
note     = { max = 4000 }
editor   = { max = 64 }
)";

inline constexpr std::array<const char*, 2> kTasksUnits{
    R"({"id":"C","parent_id":"","level":"city","name":"City"})",
    R"({"id":"B","parent_id":"C","level":"branch","name":"Branch"})"};

inline Edit new_row(const Task& t, const StreamId& stream) {
    Edit e;
    e.entity = "tasks";
    e.row = std::string(view_of(t.id));
    e.stream = stream;
    e.create = true;
    e.fields.reserve(8);
    e.fields.emplace_back("unit", Value::text(t.unit));
    e.fields.emplace_back("title", Value::text(t.title));
    e.fields.emplace_back("status", Value::text(t.status));
    e.fields.emplace_back("progress", Value::integer(t.progress));
    e.fields.emplace_back("due_date", Value::text(t.due_date));
    e.fields.emplace_back("owner", Value::text(t.owner));
    e.fields.emplace_back("note", Value::text(t.note));
    e.fields.emplace_back("editor", Value::text(t.editor));
    return e;
}

inline Edit changed(const Task& t, const Update& u, const StreamId& stream) {
    Edit e;
    e.entity = "tasks";
    e.row = std::string(view_of(t.id));
    e.stream = stream;
    e.fields.emplace_back(name_of(u.column),
                          u.column == Column::status ? Value::text(u.text) : Value::integer(u.number));
    return e;
}

}  // namespace taizhang::bench
