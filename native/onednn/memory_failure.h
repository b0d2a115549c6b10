// Whether oneDNN failed for want of memory.
#pragma once

#include <exception>

namespace octavo::onednn {

bool is_memory_failure(const std::exception& error);

}  // namespace octavo::onednn
