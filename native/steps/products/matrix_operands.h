// The two tensors of a matrix product, as their matrices are multiplied: of one rank, batch extents
// broadcast.
#pragma once

#include "contract/step.h"

namespace octavo {

struct Factors {
  TensorDesc a, b, dst;  // of one rank, at least 2
};

// Inputs 0 and 1 and output 0, whatever their element types. Throws std::invalid_argument where shapes do not
// fit, or something is empty.
Factors read_factors(const StepSpec& spec);

// With leading extents of 1 up to `rank` dimensions. Their strides do not matter.
TensorDesc padded(TensorDesc desc, size_t rank);

// The layout that oneDNN multiplies: dense rows or dense columns stay, others are to be copied row-major.
TensorDesc multipliable(const TensorDesc& desc);

// The layout that it writes: dense rows.
TensorDesc writable(const TensorDesc& desc);

}  // namespace octavo
