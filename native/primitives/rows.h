// Computes on whole rows of float32 values, whatever the layout and dtype of the tensors they come from and
// go to: rows that do not lie contiguously as float32 are brought into the scratchpad and back.
#pragma once

#include <functional>
#include <optional>

#include "primitives/scratch.h"
#include "primitives/strided.h"

namespace octavo {

class RowLoop {
 public:
  // Computes one row; `out` may be x. `index` counts rows, row-major over the other extents.
  using Body = std::function<void(const float* x, float* out, int64_t index)>;

  // A row is the extents of `axes`, row-major; integers in `output` are quantized with `target`. Reserves
  // what it needs of `scratch`.
  RowLoop(const TensorDesc& input, const TensorDesc& output, const std::vector<size_t>& axes,
          kernels::Affine target, ScratchLayout& scratch);

  int64_t length() const { return length_; }
  void execute(const void* input, void* output, void* scratchpad, const Body& body) const;
  // "octavo:NAME", with "+copy" where rows are staged.
  std::string implementation(const std::string& name) const;

 private:
  int64_t rows_, length_;
  size_t staging_ = 0;
  std::optional<StridedConversion> gather_, scatter_;
};

}  // namespace octavo
