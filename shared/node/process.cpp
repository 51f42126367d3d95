#include "node/process.h"

#include <sys/resource.h>
#include <sys/stat.h>

#include <algorithm>

namespace taizhang::node {

void keep_files_private() { ::umask(0077); }

void allow_many_descriptors() {
    constexpr rlim_t kWanted = 16'384;
    rlimit limit{};
    if (::getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= kWanted) return;
    limit.rlim_cur = std::min(kWanted, limit.rlim_max);
    ::setrlimit(RLIMIT_NOFILE, &limit);  // if not: connections beyond the limit wait to be accepted
}

}  // namespace taizhang::node
