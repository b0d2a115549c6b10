// Computes on whole rows of float32 values, whatever the layout and dtype of the tensors they come from and
// go to: rows that do not lie contiguously as float32 are brought into the scratchpad and back.
#pragma once

#include <functional>
#include <optional>

#include "contract/scratch.h"
#include "contract/step.h"
#include "rows/strided.h"

namespace octavo {

// What the 8-bit integers of a step's input stand for: attributes xScale and xZeroPoint. Throws
// std::invalid_argument where an input of integers has none.
kernels::Affine source_of(const StepSpec& spec);
// How its output is quantized: attributes outputScale and outputZeroPoint, the identity where absent.
kernels::Affine target_of(const StepSpec& spec);

class RowLoop {
 public:
  // Computes one row; `out` may be x. `index` counts rows, row-major over the other extents.
  using Body = std::function<void(const float* x, float* out, int64_t index)>;

  // A row is the extents of `axes`, row-major; 8-bit integers in `input` stand for what `source` says, those
  // in `output` are quantized with `target`. Reserves what it needs of `scratch`.
  RowLoop(const TensorDesc& input, const TensorDesc& output, const std::vector<size_t>& axes,
          kernels::Affine source, kernels::Affine target, ScratchLayout& scratch);

  int64_t length() const { return length_; }
  void execute(const void* input, void* output, void* scratchpad, const Body& body) const;
  // "octavo:NAME", with "+copy" where rows are staged.
  std::string implementation(const std::string& name) const;

 private:
  int64_t rows_, length_;
  size_t staging_ = 0;
  // Rows that only have another type are converted one by one, just before and after they are computed on.
  std::optional<kernels::RowConversion> load_, store_;
  int64_t load_bytes_ = 0, store_bytes_ = 0;  // of a row
  // Others are gathered before the first one and scattered after the last one.
  std::optional<StridedConversion> gather_, scatter_;
};

}  // namespace octavo
