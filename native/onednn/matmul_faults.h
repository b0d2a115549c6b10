// Implementations of matmul that must not be used: what fuzzing against a float64 reference, with guard pages
// behind every buffer, has found in oneDNN 2.6.3 and 3.7.2.
#pragma once

#include "onednn/matmul.h"

namespace octavo::onednn {

// Whether `implementation` (an impl_info_str) crashes on products of `inner` terms.
bool is_faulty_matmul(const std::string& implementation, DType src, int64_t inner);

}  // namespace octavo::onednn
