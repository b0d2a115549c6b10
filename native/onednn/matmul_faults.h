// Implementations of matmul that must not be used. Fuzzing against a float64 reference, with guard pages
// after every buffer, found them in oneDNN 2.6.3 and 3.7.2.
#pragma once

#include "onednn/matmul.h"

namespace octavo::onednn {

// Why `implementation` must not compute products of `inner` terms; null if no fault is known.
const char* matmul_fault(const Implementation& implementation, DType src, int64_t inner);

}  // namespace octavo::onednn
