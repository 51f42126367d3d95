// Commits that another program might write: any bases, and not always what is allowed.
#include "tests/sim/author.h"

#include <algorithm>

namespace taizhang::sim {

bool Author::is_here(const Told& commit) {
    const auto& h = commit.header;
    const auto hashes = m_.replica->hashes_at(h.stream, h.replica, h.seq);
    return hashes && std::find(hashes->begin(), hashes->end(), commit.hash) != hashes->end();
}

/// What a program can show: not what waits here, if its author may leave it waiting for ever.
Result<std::vector<fold::Change>> Author::known_changes(const World::Row& row) {
    const auto* e = catalog().find(row.entity);
    const auto id = e->uuid ? from_hex(row.id) : row.id;
    std::set<Hash> unseen;
    if (!w_.bad_authors_.empty()) {
        TRY(const auto waiting, m_.replica->waiting());
        for (const auto& x : waiting) unseen.insert(x.id.hash);
    }
    std::vector<const Told*> here;
    for (const auto* c : w_.reading_.touching({row.entity, row.stream.str(), id}))
        if (is_here(*c) && !unseen.contains(c->hash)) here.push_back(c);
    return w_.reading_.changes({row.entity, row.stream.str(), id}, here);
}

/// Up to three versions of the group, mostly one of the newest.
std::vector<VersionId> Author::some_base(const World::Row&, int group, bool adds_only) {
    std::vector<VersionId> fit, out;
    for (const auto& x : changes_)
        if (x.group == group && (!adds_only || x.op == fold::Op::put)) fit.push_back(x.id);
    const int most = std::min<int>(static_cast<int>(fit.size()), w_.one_in(3) ? 3 : 1);
    for (int n = w_.pick(most + 1); n > 0; --n) {
        const auto near = std::min<int>(static_cast<int>(fit.size()), w_.one_in(2) ? 100 : 2);
        out.push_back(fit[fit.size() - 1 - static_cast<std::size_t>(w_.pick(near))]);
    }
    std::sort(out.begin(), out.end());
    out.erase(std::unique(out.begin(), out.end()), out.end());
    return out;
}

void Author::hand_part(CommitWriter& w, const Entity& e, const World::Row& row, std::size_t g) {
    const auto& group = e.groups[g];
    const auto no = w_.reading_.group_no(e.name, group.name);
    const bool removes = group.rule == fold::Rule::set && w_.one_in(3);
    const bool is_list =
        group.rule == fold::Rule::append || group.rule == fold::Rule::set || group.rule == fold::Rule::sum;
    auto base = !is_list || removes ? some_base(row, no, removes) : std::vector<VersionId>();
    if (removes && base.empty()) return;
    w.part(removes ? fold::Op::remove : fold::Op::put, group.name, base);
    const auto first = static_cast<std::size_t>(w_.pick(static_cast<int>(group.fields.size())));
    for (std::size_t i = first; i < group.fields.size(); ++i) {
        const auto& f = e.fields[static_cast<std::size_t>(group.fields[i])];
        w.field(f.name, some_value(f));
        if (w_.one_in(2)) break;
    }
}

void Author::hand_step(CommitWriter& w, const Entity& e, const World::Row& row) {
    const auto& all = e.workflow.transitions;
    const auto& t = all[static_cast<std::size_t>(w_.pick(static_cast<int>(all.size())))];
    w.part(fold::Op::transition, t.name, some_base(row, fold::kWorkflow, false));
    for (const auto& group : e.groups) {
        if (!w_.one_in(3)) continue;
        const auto ids = some_base(row, w_.reading_.group_no(e.name, group.name), false);
        if (!ids.empty()) w.reviewed(group.name, ids);
    }
    for (const auto& need : t.needs) {
        if (w_.one_in(10)) continue;
        const auto& states = e.workflow.states;
        w.field(need,
                Value::text(need == "state" ? states[static_cast<std::size_t>(w_.pick(static_cast<int>(states.size())))]
                                            : "因"));
    }
}

Result<CommitHeader> Author::next_header(const StreamId& stream) {
    CommitHeader h;
    h.replica = m_.replica->id();
    h.stream = stream;
    h.control = m_.replica->control().head();
    h.catalog = catalog().version();
    h.person = "手";
    h.time = static_cast<std::uint64_t>(w_.now_ms_ + w_.pick(7'200'000) - 3'600'000) << 16 |
             static_cast<std::uint64_t>(w_.pick(4));
    TRY(const auto heads, m_.replica->chain_heads(std::span(&h.stream, 1)));
    h.seq = Seq{1};
    for (const auto& head : heads)
        if (head.replica == h.replica) {
            h.seq = Seq{head.seq.value + 1};
            h.prev = head.hash;
        }
    return h;
}

std::string Author::craft(const CommitHeader& h, const World::Row& row) {
    const auto& e = *catalog().find(row.entity);
    auto known = known_changes(row);
    if (!known) return {};
    changes_ = std::move(*known);
    CommitWriter w;
    w.row(e.name, e.uuid ? from_hex(row.id) : row.id);
    const bool steps = e.has_workflow() && w_.one_in(3);
    for (std::size_t g = 0; g < e.groups.size(); ++g)
        if (w_.one_in(static_cast<int>(e.groups.size()) / 2 + 1)) hand_part(w, e, row, g);
    if (steps) hand_step(w, e, row);
    auto bytes = w.finish(h);
    Commit parsed;
    return parsed.decode(bytes) && !parsed.parts.empty() ? bytes : std::string();
}

Result<std::vector<CommitId>> Author::write_by_hand() {
    // The tree by which its certificate counts is on its way: the program writes nothing yet, and nothing could sign
    // it.
    if (m_.replica->control().is_signed() && !m_.replica->is_own_key(m_.replica->id())) return std::vector<CommitId>();
    const auto& e = some_entity();
    auto* row = some_row(e);
    if (!row) return std::vector<CommitId>();
    TRY(const auto h, next_header(row->stream));
    const auto bytes = craft(h, *row);
    if (bytes.empty()) return std::vector<CommitId>();
    Packer packer;
    std::string packed;
    packer.pack(bytes, packed);
    const std::string_view one(packed);
    TRY(const auto taken, m_.replica->receive(std::span(&one, 1), Origin::own));
    if (taken.front().admission != Admission::admitted)
        return fail(Errc::internal, "a commit of our own was not admitted: " + taken.front().why);
    ++row->writes;
    ++w_.figures_.hand_written;
    return std::vector<CommitId>{{h.replica, h.stream, h.seq, hash_of(bytes)}};
}

}  // namespace taizhang::sim
