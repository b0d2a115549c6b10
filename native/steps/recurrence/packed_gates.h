// A weight of a recurrent layer, packed for products with a few rows at a time: once where it is constant, at
// every run otherwise. Float32 or bfloat16, or 8-bit integers with one scale.
#pragma once

#include "contract/input_value.h"
#include "contract/scratch.h"
#include "kernels/recurrence/panels.h"

namespace octavo {

class PackedGates {
 public:
  // Input `index`, a row-major matrix whose rows are `gates` times the states.
  PackedGates(const StepSpec& spec, int index, int64_t gates, ScratchLayout& scratch);

  // Once a run, before the rest.
  void prepare(const Buffers& buffers);

  const kernels::GateRows& rows() const { return rows_; }
  // Bytes of one row that is multiplied with it.
  int64_t row_bytes() const;

  // sums[r * sums_step + c] = the product of row r and column c, for the columns of `panels` panels from
  // `first` on. Rows of bytes are quantized by `scale`, which includes the weight's.
  void multiply(const void* const* rows, int64_t count, int64_t first, int64_t panels, float* sums,
                int64_t sums_step, const kernels::ByteScale& scale) const;

 private:
  size_t packed_bytes() const;
  void pack(const void* weight, void* into) const;

  InputValue weight_;
  kernels::GateRows rows_;
  DType dtype_;
  std::shared_ptr<void> constant_;
  size_t packed_at_ = 0;
  const void* packed_ = nullptr;
};

// What the kernels may use of the processor, within what oneDNN is held to.
kernels::PanelIsa panel_isa();

}  // namespace octavo
