// Converts one tensor into another of the same logical shape, row by row, for any layouts.
#pragma once

#include <vector>

#include "kernels/row_conversion.h"
#include "tensor/tensor_desc.h"

namespace octavo {

// The loops over the elements of tensors that share a shape. Extents of 1 are dropped, and neighbouring
// loops that every operand walks contiguously are merged. The first operand's smallest stride comes
// last.
struct LoopNest {
  Dims extents;
  std::vector<Dims> strides;  // [operand][loop], in elements

  LoopNest(const Dims& shape, std::vector<Dims> operand_strides);
  // Offset of `operand` at position `index` of the first `loops` loops (row-major over them).
  int64_t offset(size_t operand, int64_t index, size_t loops) const;
};

class StridedConversion {
 public:
  // Shapes must agree; strides of src may be 0 (broadcast). Throws std::invalid_argument otherwise.
  StridedConversion(const TensorDesc& src, const TensorDesc& dst, kernels::RowConversion row);

  void execute(const void* src, void* dst) const;
  // The same with another conversion between the same dtypes, for parameters known only at run time.
  void execute(const void* src, void* dst, const kernels::RowConversion& row) const;

 private:
  void rows(const char* src, char* dst, const kernels::RowConversion& row) const;
  void tiles(const char* src, char* dst, const kernels::RowConversion& row) const;
  void gather(const char* src, char* dst, const kernels::RowConversion& row) const;

  kernels::RowConversion row_;
  LoopNest nest_;  // operands: dst, src
  int64_t src_size_, dst_size_, numel_;
  size_t src_unit_ = 0;  // for tiles: the loop that src walks with stride 1
  enum class Mode { nothing, rows, tiles, gather } mode_;
};

}  // namespace octavo
