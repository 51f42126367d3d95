// What a person meant, as commits: checked, with its bases, through the one way in.
#include "catalog/marking.h"
#include "replica/impl.h"

#include <algorithm>

namespace taizhang {
namespace {

std::string quoted(std::string_view s) { return "“" + std::string(s) + "”"; }

std::string names_of(const std::vector<const Transition*>& list) {
    std::string out;
    for (const auto* t : list) {
        if (!out.empty()) out += ", ";
        out += t->name + "(" + t->label.zh + ")";
    }
    return out.empty() ? "无 / none" : out;
}

}  // namespace

/// Writes one edit into a commit: the row's parts, each with the versions that its author has in front of him.
class Replica::Impl::EditWriter {
public:
    EditWriter(Impl& m, CommitWriter& w, const EntityVersion& v, RowTable& table, int stream, const Relation& rel)
        : m_(m), w_(w), v_(v), table_(table), stream_(stream), rel_(rel) {}

    /// For one row after the other.
    Result<> write(const Edit& e, std::string_view id) {
        given_.clear();
        folded_.reset();
        has_base_ = false;
        next_field_ = 0;
        TRY_VOID(look(e, id));
        TRY_VOID(check_fields(e));
        const Transition* transition = nullptr;
        if (!e.transition.empty()) {
            TRY(transition, check_transition(e, id));
        }
        w_.row(v_.entity->name, id);
        TRY_VOID(write_groups(e));
        TRY_VOID(write_removals(e));
        if (transition) write_transition(e, *transition);
        return {};
    }

private:
    /// The row as it stands here; folded from its log where the table alone does not tell.
    Result<> look(const Edit& e, std::string_view id) {
        if (e.create) {
            meta_.groups.assign(table_.binding().groups.size(), {});
            return {};
        }
        TRY(auto* t, m_.touch(table_, stream_, id, false));
        meta_ = t->meta;
        // A fold that is due reads the log, where everything is; what the table says can wait.
        if (meta_.head != 0 && !meta_.dropped && (t->fold || meta_.complex || e.settle || !e.remove.empty())) {
            TRY(auto h, m_.fold_row(table_, meta_));
            meta_.state = h.state.state;
            folded_ = std::move(h);
        }
        return {};
    }

    /// Finds the fields by name, once, and checks what is to be written into them.
    Result<> check_fields(const Edit& e) {
        for (const auto* list : {&e.fields, &e.remove}) {
            for (const auto& given : *list) {
                const auto f = find_field(given.first);
                if (f < 0) return unknown_field(given.first);
                const auto& field = v_.entity->fields[static_cast<std::size_t>(f)];
                TRY_VOID(check_value(field, given.second.view()));
                const auto& group = v_.entity->groups[static_cast<std::size_t>(field.group)];
                if (!rel_.may(group.by) && group.refused_as.empty())
                    return fail(Errc::not_allowed, field.label.zh + " 不由本单位填写,没有保存 / " + field.label.en +
                                                       " (" + given.first +
                                                       ") is not this unit's to write; nothing was saved");
                if (list == &e.fields) given_.push_back({field.group, &given});
            }
        }
        // In the order of the catalog, so that equal edits give equal bytes.
        std::stable_sort(given_.begin(), given_.end(),
                         [](const Given& a, const Given& b) { return a.group < b.group; });
        return {};
    }

    /// Most edits name their fields in the catalog's order: the next one is the likely one.
    int find_field(const std::string& name) {
        const auto& fields = v_.entity->fields;
        if (next_field_ < fields.size() && fields[next_field_].name == name) return static_cast<int>(next_field_++);
        const auto f = v_.entity->field(name);
        if (f >= 0) next_field_ = static_cast<std::size_t>(f) + 1;
        return f;
    }

    Error unknown_field(const std::string& name) const {
        std::string known;
        for (const auto& f : v_.entity->fields) known += (known.empty() ? "" : " ") + f.name;
        return fail(Errc::not_found, v_.entity->label.zh + " 没有字段 " + quoted(name) + " / " + v_.entity->name +
                                         " has no field '" + name + "'; there are: " + known);
    }

    Result<const Transition*> check_transition(const Edit& e, std::string_view id) {
        const auto& flow = v_.entity->workflow;
        std::vector<const Transition*> allowed;
        for (const auto& t : flow.transitions)
            if ((t.from >> meta_.state & 1) && rel_.may(t.by)) allowed.push_back(&t);
        const auto* wanted = flow.find(e.transition);
        const auto state =
            flow.states.empty() ? std::string("-") : flow.states[static_cast<std::size_t>(std::max(0, meta_.state))];
        if (!wanted)
            return fail(Errc::not_found, v_.entity->label.zh + " 没有 " + quoted(e.transition) +
                                             " 这一步;现在可以:" + names_of(allowed) + " / no transition '" +
                                             e.transition + "'; allowed from " + state + ": " + names_of(allowed));
        if (std::find(allowed.begin(), allowed.end(), wanted) == allowed.end())
            return fail(Errc::not_allowed, std::string(id) + " 现在是" + quoted(state) + ",本单位不能" +
                                               quoted(wanted->label.zh) + ";现在可以:" + names_of(allowed) + " / " +
                                               std::string(id) + " is " + state + ": " + e.transition +
                                               " is not allowed; allowed: " + names_of(allowed));
        for (const auto& need : wanted->needs)
            if (std::none_of(e.arguments.begin(), e.arguments.end(), [&](const auto& a) {
                    return a.first == need && !a.second.is_null() && !a.second.as_text().empty();
                }))
                return fail(Errc::usage,
                            wanted->label.zh + " 要写明 " + need + " / " + e.transition + " needs --" + need);
        for (const auto& [name, value] : e.arguments) {
            const bool known = std::find(wanted->needs.begin(), wanted->needs.end(), name) != wanted->needs.end() ||
                               std::find(wanted->takes.begin(), wanted->takes.end(), name) != wanted->takes.end();
            if (!known)
                return fail(Errc::usage,
                            wanted->label.zh + " 不用 " + name + " / " + e.transition + " does not take --" + name);
            if (value.kind() == Value::Kind::text && (value.as_text().size() > 8000 || !is_utf8(value.as_text())))
                return fail(Errc::bad_input,
                            name + " 太长或不是 UTF-8 文字 / " + name + ": longer than 8000 bytes or not UTF-8");
            if (const auto marking = secrecy_marking(value.as_text()); !marking.empty())
                return fail(Errc::bad_input, name + " 含涉密标记“" + marking + "”,不得录入,没有保存 / " + name +
                                                 " carries a secrecy marking (" + marking +
                                                 "): not accepted, nothing was saved");
        }
        return wanted;
    }

    /// What stands in a group; with `all`, everything that is still beside it as well.
    Result<std::vector<VersionId>> seen(int group, bool all) {
        std::vector<VersionId> ids;
        if (!folded_) {
            const auto& ref = meta_.groups[static_cast<std::size_t>(group)];
            if (ref.lsn != 0) {
                TRY(const auto id, m_.version_at(ref.lsn));
                ids.push_back(id);
            }
            return ids;
        }
        const auto& g = folded_->state.groups[static_cast<std::size_t>(group)];
        if (g.stand != VersionId{}) ids.push_back(g.stand);
        if (all) {
            ids.insert(ids.end(), g.shown.begin(), g.shown.end());
            for (const auto& line : folded_->state.lines)
                if (line.group == group && line.kind == fold::LineKind::open) ids.push_back(line.loser);
        }
        sort_unique(ids);
        return ids;
    }

    static void sort_unique(std::vector<VersionId>& ids) {
        std::sort(ids.begin(), ids.end());
        ids.erase(std::unique(ids.begin(), ids.end()), ids.end());
    }

    Result<> write_groups(const Edit& e) {
        for (std::size_t first = 0, last = 0; first < given_.size(); first = last) {
            const auto g = given_[first].group;
            while (last < given_.size() && given_[last].group == g) ++last;
            const auto& group = v_.entity->groups[static_cast<std::size_t>(g)];
            std::vector<VersionId> base;
            const bool is_list =
                group.rule == fold::Rule::append || group.rule == fold::Rule::set || group.rule == fold::Rule::sum;
            const auto told =
                std::find_if(e.seen.begin(), e.seen.end(), [&](const auto& s) { return s.first == group.name; });
            if (!is_list && told != e.seen.end()) {
                if (told->second != VersionId{}) base.push_back(told->second);
            } else if (!is_list) {
                TRY(base, seen(v_.group_no[static_cast<std::size_t>(g)], e.settle));
            }
            const bool same = has_base_ && base == last_base_;
            if (last - first == 1 && given_[first].field->first == group.name) {
                w_.lone_field(fold::Op::put, group.name, base, same, given_[first].field->second);
            } else {
                w_.part(fold::Op::put, group.name, base, same);
                for (auto i = first; i < last; ++i) w_.field(given_[i].field->first, given_[i].field->second);
            }
            remember(std::move(base));
        }
        return {};
    }

    Result<> write_removals(const Edit& e) {
        for (const auto& [name, value] : e.remove) {
            const auto& field = v_.entity->fields[static_cast<std::size_t>(v_.entity->field(name))];
            const auto& group = v_.entity->groups[static_cast<std::size_t>(field.group)];
            if (group.rule != fold::Rule::set) return fail(Errc::usage, name + " 不是集合 / " + name + " is not a set");
            const auto no = v_.group_no[static_cast<std::size_t>(field.group)];
            const auto encoded = value.encoded();
            std::vector<VersionId> adds;
            if (folded_)
                for (const auto& x : folded_->changes)
                    if (x.group == no && x.op == fold::Op::put && !x.fields.empty() &&
                        x.fields.front().second == encoded)
                        adds.push_back(x.id);
            if (adds.empty())
                return fail(Errc::not_found,
                            name + " 里没有 " + value.display() + " / " + name + " does not hold " + value.display());
            sort_unique(adds);
            w_.part(fold::Op::remove, group.name, adds);
            w_.field(name, value);
            remember(std::move(adds));
        }
        return {};
    }

    void write_transition(const Edit& e, const Transition& t) {
        std::vector<VersionId> base;
        if (folded_) {
            if (folded_->state.standing != VersionId{}) base.push_back(folded_->state.standing);
        } else if (meta_.flow.lsn != 0) {
            if (const auto id = m_.version_at(meta_.flow.lsn)) base.push_back(*id);
        }
        w_.part(fold::Op::transition, t.name, base, has_base_ && base == last_base_);
        int to = t.to;
        if (to == Transition::kToArgument)
            for (const auto& [name, value] : e.arguments)
                if (name == "state") to = v_.entity->workflow.state(value.as_text());
        const auto frozen = v_.freezes(to);
        for (std::size_t g = 0; g < v_.group_no.size(); ++g) {
            if (!(frozen >> v_.group_no[g] & 1)) continue;
            const auto ids = seen(v_.group_no[g], true);
            if (ids && !ids->empty()) w_.reviewed(v_.entity->groups[g].name, *ids);
        }
        for (const auto& [name, value] : e.arguments) w_.field(name, value);
    }

    void remember(std::vector<VersionId> base) {
        last_base_ = std::move(base);
        has_base_ = true;
    }

    struct Given {
        int group;
        const std::pair<std::string, Value>* field;
    };

    Impl& m_;
    CommitWriter& w_;
    const EntityVersion& v_;
    RowTable& table_;
    int stream_;
    std::vector<Given> given_;  // the edit's fields, by group
    std::size_t next_field_ = 0;
    const Relation& rel_;
    RowMeta meta_;
    std::optional<RowHistory> folded_;
    std::vector<VersionId> last_base_;
    bool has_base_ = false;
};

Result<std::string> Replica::Impl::key_of(const Edit& e, const EntityVersion& v) const {
    if (!v.entity->uuid) {
        if (e.row.empty() || e.row.size() > kRowIdMax || !is_utf8(e.row) || e.row.find('\0') != std::string::npos)
            return fail(Errc::bad_input, "编号不能用 / not an id: '" + e.row + "'");
        return e.row;
    }
    if (e.row.size() == 16) return e.row;
    const auto raw = from_hex(e.row);
    if (raw.size() != 16)
        return fail(Errc::bad_input, "编号应为 32 位十六进制 / an id of 32 hex digits is wanted: '" + e.row + "'");
    return raw;
}

/// A new row says where it goes; one that is here is where it is.
Result<StreamId> Replica::Impl::stream_of(const Edit& e, const EntityVersion& v) {
    if (e.stream) return *e.stream;
    TRY(const auto id, key_of(e, v));
    TRY(const auto streams, table(v.binding->number)->streams_of(id));
    if (streams.empty())
        return fail(Errc::not_found, "没有 " + v.entity->label.zh + " " + e.row + " / there is no " + v.entity->name +
                                         " " + e.row + " here");
    std::vector<StreamId> ids;
    for (const auto s : streams) ids.push_back(stream_ids[s]);
    return *std::min_element(ids.begin(), ids.end());
}

Result<CommitId> Replica::Impl::commit_edits(const ReplicaId& as, const StreamId& stream,
                                             std::span<const Edit* const> edits, const Draft& draft,
                                             std::optional<std::int64_t> time_ms) {
    const auto* cert = control.cert(as);
    if (!cert)
        return fail(Errc::not_allowed,
                    "本机还没有登记,请先 enrol / this replica has no certificate yet: run enrol first");
    if (as == self && control.is_abolished(cert->unit, control.head())) {
        const auto& next = control.successor(cert->unit, control.head());
        const bool has_next = next != cert->unit;
        return fail(Errc::not_allowed, (has_next ? cert->unit + " 已并入 " + next : cert->unit + " 已撤销") +
                                           ",本机只能查看,请向上级要新的登记码重新登记(enrol) / " + cert->unit +
                                           (has_next ? " was merged into " + next : " was closed") +
                                           ": this PC can only read, ask for a new code and enrol again");
    }
    if (as == self) TRY_VOID(check_not_evicted(stream));
    if (control.is_signed() && !is_own_key(as))
        return fail(Errc::not_allowed,
                    "本机没有与登记相符的密钥,请重新 enrol / this node lacks the key that it was enrolled with: enrol "
                    "again");
    const auto rel = control.relation(*cert, stream, control.head());
    TRY(const int stream_number, stream_no(stream));
    TRY(const int replica_number, replica_no(as));
    TRY(const Head head, chain_head(stream_number, replica_number));
    CommitWriter w;
    std::optional<EditWriter> writer;
    const EntityVersion* at_hand = nullptr;
    for (const auto* e : edits) {
        const auto* v = control.newest(e->entity);
        TRY(auto id, key_of(*e, *v));
        arena.push_back(std::move(id));  // rows at hand are found by it until the flush
        if (v != at_hand) writer.emplace(*this, w, *v, *table(v->binding->number), stream_number, rel);
        at_hand = v;
        TRY_VOID(writer->write(*e, arena.back()));
    }
    CommitHeader h;
    h.replica = as;
    h.stream = stream;
    h.seq = Seq{head.seq.value + 1};
    h.prev = head.hash;
    h.control = control.head();
    h.catalog = control.newest_catalog()->version();
    const auto at = now();
    h.time = hybrid_time(time_ms ? *time_ms : at.ms, as == self ? last_stamp(at) : 0);
    h.time_unverified = !time_ms && at.unverified;
    h.person = draft.person;
    if (h.person.size() > 64 || !is_utf8(h.person)) return fail(Errc::usage, "姓名太长 / person: more than 64 bytes");

    arena.push_back(w.finish(h));
    arena_bytes += arena.back().size();
    if (arena.back().size() > kCommitBytesMax)
        return fail(Errc::bad_input, "一次写得太多(超过 2 MB),请分几次 / more than 2 MB at once: split it");
    TRY(const auto hash, admit_own(arena.back()));
    if (as == self) last_time = h.time;
    TRY_VOID(make_room());
    return CommitId{as, stream, h.seq, hash};
}

Result<std::vector<CommitId>> Replica::Impl::edit_as(const ReplicaId& as, const Draft& draft,
                                                     std::optional<std::int64_t> time_ms) {
    if (draft.edits.empty()) return fail(Errc::usage, "没有要保存的内容 / nothing to save");
    std::vector<CommitId> out;
    TRY_VOID(batch([&]() -> Result<> {
        if (!control.newest_catalog())
            return fail(Errc::not_allowed, "还没有目录,请先同步 / no catalog here yet: sync first");
        std::vector<std::pair<StreamId, std::vector<const Edit*>>> by_stream;
        for (const auto& e : draft.edits) {
            const auto* v = control.newest(e.entity);
            if (control.needs_newer(e.entity) > 0)
                return fail(Errc::not_allowed,
                            e.entity + " 的规则已更新,请升级本机程序后再填写,没有保存 / the rules of " + e.entity +
                                " need a newer program: upgrade it, then write; nothing was saved");
            if (!v) return fail(Errc::not_found, "没有这种记录 / no such entity: " + e.entity);
            TRY(const auto stream, stream_of(e, *v));
            auto it =
                std::find_if(by_stream.begin(), by_stream.end(), [&](const auto& s) { return s.first == stream; });
            if (it == by_stream.end()) it = by_stream.insert(by_stream.end(), {stream, {}});
            it->second.push_back(&e);
        }
        for (const auto& [stream, edits] : by_stream) {
            TRY(auto id, commit_edits(as, stream, edits, draft, time_ms));
            out.push_back(std::move(id));
        }
        return {};
    }));
    return out;
}

Result<std::vector<CommitId>> Replica::edit(const Draft& draft) {
    auto out = impl_->edit_as(impl_->self, draft, std::nullopt);
    // Inside somebody's batch too, the next thing that he reads has what he just wrote.
    if (out && impl_->depth > 0) TRY_VOID(impl_->flush());
    return out;
}
Result<std::vector<CommitId>> Replica::edit_as(const ReplicaId& as, const Draft& draft, std::int64_t time_ms) {
    auto out = impl_->edit_as(as, draft, time_ms);
    if (out && impl_->depth > 0) TRY_VOID(impl_->write_log());
    return out;
}

}  // namespace taizhang
