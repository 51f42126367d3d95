// node.h - one node: its folder, its replica, its hub, its ledger. Opened by one process at a time.
#pragma once

#include "files/contents.h"
#include "ledger/ledger.h"
#include "node/blob_folder.h"
#include "node/data_dir.h"
#include "replica/replica.h"
#include "sync/hub.h"

#include <memory>

namespace taizhang::node {

class Node {
public:
    struct Options {
        std::string dir;
        bool create = false;
        std::chrono::milliseconds wait{5000};  ///< for another process to let go
        std::string database = "taizhang.db";
    };
    static Result<std::unique_ptr<Node>> open(const Options& options);

    const DataDir& dir() const { return dir_; }
    Replica& replica() { return *replica_; }
    sync::Hub& hub() { return *hub_; }
    files::Contents& contents() { return *contents_; }
    ledger::Ledger ledger() { return ledger::Ledger(*replica_); }
    /// After every change of the incarnation (sync): the file beside the database follows.
    Result<> keep_incarnation();

private:
    explicit Node(DataDir dir) : dir_(std::move(dir)) {}
    DataDir dir_;
    std::unique_ptr<Replica> replica_;
    std::unique_ptr<sync::Hub> hub_;
    std::unique_ptr<BlobFolder> blobs_;
    std::unique_ptr<files::Contents> contents_;
    std::optional<ReplicaId> kept_;  // what the file beside the database says
};

}  // namespace taizhang::node
