#include "node/node.h"

#include "ledger/list_indexes.h"
#include "node/environment.h"

namespace taizhang::node {

Result<std::unique_ptr<Node>> Node::open(const Options& options) {
    TRY(auto dir, DataDir::open(options.dir, options.create, options.wait));
    return open(options, std::move(dir));
}

Result<std::unique_ptr<Node>> Node::open(const Options& options, DataDir dir) {
    TRY(auto env, real_environment());
    std::unique_ptr<Node> node(new Node(std::move(dir)));
    if (options.is_new_city) TRY_VOID(make_root_key(node->dir_, options.suite, env.random));
    Replica::Options o;
    TRY(o.keys, open_keys(node->dir_, env.random, options.passphrase));
    o.path = node->dir_.file(options.database);
    const bool is_new = !exists(o.path);
    TRY(node->replica_, Replica::open(o, std::move(env)));
    TRY(const auto known, node->dir_.incarnation());
    // A database without its incarnation beside it was copied or restored: it goes on as a new replica. So it does
    // without its key, and then has to be enrolled again.
    const bool has_lost_key = node->replica_->control().cert(node->replica_->id()) && !node->replica_->can_sign();
    if (!is_new && (known != node->replica_->id() || has_lost_key) && node->replica_->log_head().value > 0)
        TRY_VOID(node->replica_->reincarnate());
    TRY_VOID(node->keep_incarnation());
    TRY(auto hub, sync::Hub::open(*node->replica_));
    node->hub_ = std::make_unique<sync::Hub>(std::move(hub));
    node->facts_ = std::make_unique<ledger::StoredFacts>(*node->replica_);
    node->texts_ = std::make_unique<ledger::TextFilter>(*node->facts_, ledger::kUnitsOfALargeOffice);
    node->blobs_ = std::make_unique<BlobFolder>(node->dir_.file("files"));
    node->contents_ = std::make_unique<files::Contents>(*node->replica_, *node->blobs_);
    TRY(node->people_, People::open(node->dir_));
    return node;
}

Result<> Node::keep_incarnation() {
    if (!kept_) {
        TRY(kept_, dir_.incarnation());
    }
    if (kept_ == replica_->id()) return {};
    TRY_VOID(dir_.write_incarnation(replica_->id()));
    kept_ = replica_->id();
    return {};
}

}  // namespace taizhang::node
