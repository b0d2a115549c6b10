// What steps along lanes read of their description: the lanes, and results of one element a lane.
#pragma once

#include "contract/step.h"
#include "rows/lanes.h"

namespace octavo {

// The attribute `axes`. Throws std::invalid_argument for one that is out of range or named twice.
std::vector<size_t> lane_axes(const StepSpec& spec);

// Checks that an output has one element for each lane of the first input: the extents of `axes` are 1 with
// the attribute `keepdim`, and are left out otherwise. Throws std::invalid_argument that says what it should
// be.
void check_one_a_lane(const StepSpec& spec, const TensorDesc& output);

// The type that sums and extrema of stored values are computed as, without a loss: float64 or int64.
inline DType wide_type(DType dtype) { return is_floating_point(dtype) ? DType::f64 : DType::s64; }

}  // namespace octavo
