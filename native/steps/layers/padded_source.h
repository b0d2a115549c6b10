// A padded convolution as two steps: the image copied into a padded one, and a convolution without padding.
#pragma once

#include "operands/float32_fallback.h"
#include "steps/layers/convolution_problem.h"

namespace octavo {

// For convolutions whose padding excludes oneDNN's fast kernels. A quantized image is padded with its zero
// point, so that nothing needs compensation. `create` makes the convolution without padding.
std::unique_ptr<Step> create_padded_source(const StepSpec& spec, const Convolution& convolution,
                                           StepCreator create);

}  // namespace octavo
