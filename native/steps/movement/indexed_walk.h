// The elements that index tensors choose from a tensor, in the order of another tensor's elements: what
// gathering and scattering have in common.
#pragma once

#include <string>
#include <vector>

#include "kernels/parallel.h"
#include "rows/index_tensor.h"
#include "rows/row_blocks.h"

namespace octavo {

// Attributes:
// - axes: the axes of the indexed tensor whose positions the index tensors hold, one for each of them;
// - walks: for each axis of the walk, the axis of the indexed tensor that advances along with it, or -1;
// - position: the axis of the walk that the first extent of the index tensors, broadcast together, belongs
// to;
// - wraps: whether negative indices count from the end.
// An element of the walk has the position in the indexed tensor that both together say.
class IndexedWalk {
 public:
  // A row of the walk. Its element i is at `walked + i * walked_step` of the one tensor, and at
  // `indexed + i * indexed_step + offsets[i * offset_step]` of the indexed one, counted in elements.
  struct Row {
    int64_t walked, indexed;
    const int64_t* offsets;
    int64_t walked_step, indexed_step, offset_step, length;
  };

  // Over `shape`, on which `strides` walk. The index tensors are the inputs from `first` on. Throws
  // std::invalid_argument where the attributes and the shapes do not fit.
  IndexedWalk(const StepSpec& spec, const Dims& shape, const Dims& strides, const TensorDesc& indexed,
              size_t first, ScratchLayout& scratch);

  // Reads and checks the indices: offsets in the indexed tensor, row-major over the index tensors' common
  // shape. Throws std::out_of_range.
  const int64_t* offsets(const Buffers& buffers) const;

  // Calls body(row) for all rows, one after the other; in parallel if `bytes` are worth it.
  template <typename Body>
  void each_row(const int64_t* offsets, int64_t bytes, const Body& body) const {
    if (numel_ == 0) return;
    const RowBlocks blocks(nest_, kBlock);
    kernels::parallel_for(blocks.count(), bytes, [&](int64_t block) {
      blocks.each_row(block, [&](const int64_t* at) {
        body(Row{at[0], at[1], offsets + at[2], nest_.strides[0].back(), nest_.strides[1].back(),
                 nest_.strides[2].back(), nest_.extents.back()});
      });
    });
  }

 private:
  static constexpr int64_t kBlock = 8 * 1024;  // elements that a thread handles at a time

  static LoopNest nest(const StepSpec& spec, const Dims& shape, const Dims& strides,
                       const TensorDesc& indexed, const Dims& index_shape);

  std::vector<IndexTensor> indices_;
  std::vector<int64_t> extents_, steps_;  // of the indexed axes
  bool wraps_;
  Dims index_shape_;  // that the index tensors broadcast to
  LoopNest nest_;     // operands: walked, indexed, offsets
  int64_t numel_ = 1;
  size_t sums_;  // room for offsets that several index tensors make
};

}  // namespace octavo
