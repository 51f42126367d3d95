// process.h - what this process asks of the system once, when it starts. Threads: the main one.
#pragma once

namespace taizhang::node {

/// Files that it makes (databases, backups, bundles, sheets) are for the user who runs it and nobody else.
void keep_files_private();
/// As many open files and connections as the system lets it, up to what a server with all its connections needs:
/// shells give 1024.
void allow_many_descriptors();

}  // namespace taizhang::node
