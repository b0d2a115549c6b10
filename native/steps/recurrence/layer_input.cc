#include "steps/recurrence/layer_input.h"

#include <cmath>
#include <stdexcept>

#include "kernels/parallel.h"
#include "kernels/recurrence/byte_rows.h"
#include "observe/min_max.h"

namespace octavo {

LayerInput::LayerInput(const StepSpec& spec, const RecurrentProblem& problem, int64_t row_bytes,
                       ScratchLayout& scratch)
    : p_(problem), name_(spec.op + " '" + spec.node + "'"), x_(spec, 0, "the tensor"), row_bytes_(row_bytes) {
  const auto rows = static_cast<size_t>(p_.steps * p_.batch);
  rows_at_ = scratch.reserve(rows * sizeof(void*));
  if (row_bytes_ > 0) bytes_at_ = scratch.reserve(rows * static_cast<size_t>(row_bytes_));
}

void LayerInput::prepare(const Buffers& buffers) {
  const auto* x = static_cast<const float*>(x_.data(buffers));
  const int64_t rows = p_.steps * p_.batch;
  auto* bytes = static_cast<uint8_t*>(ScratchLayout::at(buffers.scratchpad, bytes_at_));
  if (row_bytes_ > 0) {
    float low, high;
    const bool has_nan = observe::min_max({x, 1, 1, static_cast<size_t>(rows * p_.input)}, &low, &high);
    scale_ = kernels::byte_scale(low, high);
    if (has_nan || std::isnan(scale_.scale))
      throw std::domain_error(name_ + ": the tensor holds NaN or infinity");
    kernels::parallel_for(rows, rows * p_.input * static_cast<int64_t>(sizeof(float)), [&](int64_t row) {
      kernels::to_bytes(x + row * p_.input, p_.input, scale_, bytes + row * row_bytes_);
    });
  }
  rows_ = static_cast<const void**>(ScratchLayout::at(buffers.scratchpad, rows_at_));
  for (int64_t i = 0; i < rows; i++) {
    const int64_t row = p_.row(p_.step_at(i / p_.batch), i % p_.batch);
    rows_[i] = row_bytes_ > 0 ? static_cast<const void*>(bytes + row * row_bytes_) : x + row * p_.input;
  }
}

}  // namespace octavo
