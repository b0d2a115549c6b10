// Rows of float32 as bytes of 7 bits, with parameters from their own range, as PyTorch's dynamic recurrent
// modules quantize inputs and states.
#pragma once

#include "kernels/recurrence/panels.h"

namespace octavo::kernels {

// The largest byte.
constexpr int32_t kLargestByte = 127;

// Parameters of values from `low` to `high`: real = scale * (byte - zero_point). Of what is not finite the
// scale is NaN, and so is what is computed with it.
ByteScale byte_scale(float low, float high);

void to_bytes(const float* values, int64_t count, const ByteScale& by, uint8_t* bytes);

}  // namespace octavo::kernels
