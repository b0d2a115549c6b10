// Implementations of matmul that must not be used: what fuzzing against a float64 reference, with guard pages
// behind every buffer, has found in oneDNN 2.6.3 and 3.7.2.
#pragma once

#include "onednn/matmul.h"

namespace octavo::onednn {

// Why `implementation` must not compute products of `inner` terms; null where nothing is known against it.
const char* matmul_fault(const Implementation& implementation, DType src, int64_t inner);

}  // namespace octavo::onednn
