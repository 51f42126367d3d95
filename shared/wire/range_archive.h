// range_archive.h - how a stretch of a content is written, in messages and in bundles. Only wire/*.cpp include this.
#pragma once

#include "wire/archive.h"
#include "wire/file_messages.h"

namespace taizhang::wire {

template <class A>
void serialize(A& a, ContentRange& v) {
    a(v.content.bytes, v.size, v.offset, v.check, v.bytes);
}

}  // namespace taizhang::wire
