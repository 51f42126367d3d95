// node.h - one node: its folder, its replica, its hub, its ledger. Opened by one process at a time.
#pragma once

#include "files/contents.h"
#include "ledger/ledger.h"
#include "ledger/stored_facts.h"
#include "ledger/text_filter.h"
#include "node/blob_folder.h"
#include "node/data_dir.h"
#include "node/keys.h"
#include "node/people.h"
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
        bool is_new_city = false;  ///< makes the root key as well
        std::uint8_t suite = trust::kDefaultSuite;
        std::string
            passphrase;  ///< of the keys, from somebody who was asked; empty: by the environment or the terminal
    };
    static Result<std::unique_ptr<Node>> open(const Options& options);
    /// In a folder that is held already.
    static Result<std::unique_ptr<Node>> open(const Options& options, DataDir dir);

    const DataDir& dir() const { return dir_; }
    Replica& replica() { return *replica_; }
    sync::Hub& hub() { return *hub_; }
    files::Contents& contents() { return *contents_; }
    /// What the figures follow from; filled when somebody asks for figures first.
    ledger::StoredFacts& facts() { return *facts_; }
    /// Where a word can be at all, in a large office.
    ledger::TextFilter& texts() { return *texts_; }
    People& people() { return people_; }
    ledger::Ledger ledger() { return ledger::Ledger(*replica_); }
    /// After every change of the incarnation (sync): the file beside the database follows.
    Result<> keep_incarnation();

private:
    explicit Node(DataDir dir) : dir_(std::move(dir)) {}
    DataDir dir_;
    std::unique_ptr<Replica> replica_;
    std::unique_ptr<ledger::StoredFacts> facts_;
    std::unique_ptr<sync::Hub> hub_;
    std::unique_ptr<BlobFolder> blobs_;
    std::unique_ptr<files::Contents> contents_;
    People people_;
    std::optional<ReplicaId> kept_;  // what the file beside the database says
    std::unique_ptr<ledger::TextFilter> texts_;
};

}  // namespace taizhang::node
