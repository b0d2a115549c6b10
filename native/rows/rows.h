// Computes on whole rows of float32 values, for any layout and dtype of the tensors. Rows that are not
// stored contiguously as float32 are copied into the scratchpad and back.
#pragma once

#include <functional>
#include <optional>

#include "contract/scratch.h"
#include "contract/step.h"
#include "rows/strided.h"

namespace octavo {

// The quantization of a step's 8-bit input: attributes xScale and xZeroPoint. Throws
// std::invalid_argument if an integer input has none.
kernels::Affine source_of(const StepSpec& spec);
// The output's quantization: attributes outputScale and outputZeroPoint, the identity if absent.
kernels::Affine target_of(const StepSpec& spec);

class RowLoop {
 public:
  // Computes one row; `out` may be x. `index` counts rows, row-major over the other extents.
  using Body = std::function<void(const float* x, float* out, int64_t index)>;

  // A row is the extents of `axes`, row-major. 8-bit integers in `input` are quantized with `source`,
  // those in `output` with `target`. Reserves what it needs of `scratch`.
  RowLoop(const TensorDesc& input, const TensorDesc& output, const std::vector<size_t>& axes,
          kernels::Affine source, kernels::Affine target, ScratchLayout& scratch);

  int64_t length() const { return length_; }
  void execute(const void* input, void* output, void* scratchpad, const Body& body) const;
  // "octavo:NAME", with "+copy" if rows are staged.
  std::string implementation(const std::string& name) const;

 private:
  int64_t rows_, length_;
  size_t staging_ = 0;
  // Rows of another type only are converted one by one, just before and after they are computed on.
  std::optional<kernels::RowConversion> load_, store_;
  int64_t load_bytes_ = 0, store_bytes_ = 0;  // of a row
  // Other rows are gathered before the first one and scattered after the last one.
  std::optional<StridedConversion> gather_, scatter_;
};

}  // namespace octavo
