#include "rows/strided.h"

#include <algorithm>
#include <numeric>
#include <stdexcept>

#include "kernels/parallel.h"
#include "kernels/transpose.h"
#include "rows/row_blocks.h"

namespace octavo {

namespace {
constexpr int64_t kRowChunk = 8 * 1024;  // elements that a thread copies at a time
constexpr int64_t kTile = 4096;          // elements of a tile
constexpr int64_t kTileDst = 32;         // of them along dst's contiguous loop, at most
constexpr int64_t kTileSrc = 1024;       // and along src's
constexpr int64_t kShortRow = 128;
constexpr int64_t kGatherChunk = 256;
constexpr size_t kMaxElement = 8;
}  // namespace

LoopNest::LoopNest(const Dims& shape, std::vector<Dims> operand_strides) : strides(operand_strides.size()) {
  std::vector<size_t> order;
  for (size_t i = 0; i < shape.size(); i++)
    if (shape[i] != 1) order.push_back(i);
  std::stable_sort(order.begin(), order.end(),
                   [&](size_t a, size_t b) { return operand_strides[0][a] > operand_strides[0][b]; });
  for (size_t axis : order) {
    bool merges = !extents.empty();
    for (size_t k = 0; k < strides.size() && merges; k++)
      merges = strides[k].back() == operand_strides[k][axis] * shape[axis];
    if (merges) {
      extents.back() *= shape[axis];
      for (size_t k = 0; k < strides.size(); k++) strides[k].back() = operand_strides[k][axis];
    } else {
      extents.push_back(shape[axis]);
      for (size_t k = 0; k < strides.size(); k++) strides[k].push_back(operand_strides[k][axis]);
    }
  }
  if (extents.empty()) {
    extents.push_back(1);
    for (auto& operand : strides) operand.push_back(1);
  }
}

int64_t LoopNest::offset(size_t operand, int64_t index, size_t loops) const {
  int64_t offset = 0;
  for (size_t i = loops; i-- > 0;) {
    offset += index % extents[i] * strides[operand][i];
    index /= extents[i];
  }
  return offset;
}

StridedConversion::StridedConversion(const TensorDesc& src, const TensorDesc& dst, kernels::RowConversion row)
    : row_(row),
      nest_(dst.shape, {dst.strides, src.strides}),
      src_size_(static_cast<int64_t>(dtype_size(src.dtype))),
      dst_size_(static_cast<int64_t>(dtype_size(dst.dtype))),
      numel_(dst.numel()) {
  if (src.shape != dst.shape)
    throw std::invalid_argument(src.to_string() + " and " + dst.to_string() + " must have the same shape");
  if (src.dtype != row.from() || dst.dtype != row.to())
    throw std::invalid_argument(std::string("conversion from ") + dtype_name(row.from()) + " to " +
                                dtype_name(row.to()) + " does not fit " + src.to_string() + " and " +
                                dst.to_string());
  const auto &out = nest_.strides[0], &in = nest_.strides[1];
  const auto unit = std::find(in.begin(), in.end(), 1);
  src_unit_ = static_cast<size_t>(unit - in.begin());
  if (numel_ == 0)
    mode_ = Mode::nothing;
  else if (out.back() == 1 && in.back() == 1)
    mode_ = Mode::rows;
  else if (out.back() == 1 && unit != in.end())
    mode_ = Mode::tiles;
  else
    mode_ = Mode::gather;
}

void StridedConversion::execute(const void* src, void* dst) const { execute(src, dst, row_); }

void StridedConversion::execute(const void* src, void* dst, const kernels::RowConversion& row) const {
  const char* in = static_cast<const char*>(src);
  char* out = static_cast<char*>(dst);
  switch (mode_) {
    case Mode::nothing:
      return;
    case Mode::rows:
      return rows(in, out, row);
    case Mode::tiles:
      return tiles(in, out, row);
    case Mode::gather:
      return gather(in, out, row);
  }
}

void StridedConversion::rows(const char* src, char* dst, const kernels::RowConversion& row) const {
  const int64_t length = nest_.extents.back();
  const int64_t chunks = (length + kRowChunk - 1) / kRowChunk;
  const RowBlocks blocks(nest_, kRowChunk);
  kernels::parallel_for(blocks.count() * chunks, numel_ * (src_size_ + dst_size_), [&](int64_t item) {
    const int64_t begin = item % chunks * kRowChunk, count = std::min(kRowChunk, length - begin);
    blocks.whole(item / chunks, [&](const int64_t* offsets, const int64_t* steps, int64_t rows) {
      row.rows(src + (offsets[1] + begin) * src_size_, steps[1], dst + (offsets[0] + begin) * dst_size_,
               steps[0], rows, count);
    });
  });
}

// src is contiguous along one loop, dst along another: converts rows of src into a small tile and writes
// the tile out transposed. Adjacent short rows are converted as one.
void StridedConversion::tiles(const char* src, char* dst, const kernels::RowConversion& row) const {
  const size_t last = nest_.extents.size() - 1;
  LoopNest outer = nest_;
  outer.extents[last] = outer.extents[src_unit_] = 1;
  const int64_t along_src = nest_.extents[src_unit_], along_dst = nest_.extents[last];
  const int64_t src_step = nest_.strides[1][last], dst_step = nest_.strides[0][src_unit_];
  const bool one_row = src_step == along_src && along_src <= kShortRow;
  const bool woven = dst_step == along_dst && row.weaves(along_dst);
  const int64_t tile_dst = std::min(along_dst, one_row ? kTile / along_src : kTileDst);
  const int64_t tile_src = one_row ? along_src : std::min(kTile / tile_dst / 64 * 64, kTileSrc);
  const int64_t src_tiles = (along_src + tile_src - 1) / tile_src;
  const int64_t dst_tiles = (along_dst + tile_dst - 1) / tile_dst;
  const int64_t count = numel_ / (along_src * along_dst) * src_tiles * dst_tiles;
  kernels::parallel_for(count, numel_ * (src_size_ + dst_size_), [&](int64_t item) {
    alignas(64) char tile[kTile * kMaxElement];
    const int64_t dst_begin = item % dst_tiles * tile_dst;
    const int64_t src_begin = item / dst_tiles % src_tiles * tile_src;
    const int64_t index = item / dst_tiles / src_tiles;
    const int64_t rows = std::min(tile_dst, along_dst - dst_begin);
    const int64_t columns = std::min(tile_src, along_src - src_begin);
    const char* in = src + (outer.offset(1, index, last + 1) + dst_begin * src_step + src_begin) * src_size_;
    char* out = dst + (outer.offset(0, index, last + 1) + src_begin * dst_step + dst_begin) * dst_size_;
    if (woven) return row.weave(in, src_step, out, rows, columns);
    if (one_row)
      row(in, tile, rows * columns);
    else
      for (int64_t i = 0; i < rows; i++)
        row(in + i * src_step * src_size_, tile + i * tile_src * dst_size_, columns);
    kernels::transpose(dst_size_, tile, tile_src, out, dst_step, rows, columns);
  });
}

void StridedConversion::gather(const char* src, char* dst, const kernels::RowConversion& row) const {
  const size_t outer = nest_.extents.size() - 1;
  const int64_t length = nest_.extents.back();
  const int64_t in_step = nest_.strides[1].back() * src_size_, out_step = nest_.strides[0].back() * dst_size_;
  kernels::parallel_for(numel_ / length, numel_ * (src_size_ + dst_size_), [&](int64_t index) {
    alignas(64) char gathered[kGatherChunk * kMaxElement], converted[kGatherChunk * kMaxElement];
    const char* in = src + nest_.offset(1, index, outer) * src_size_;
    char* out = dst + nest_.offset(0, index, outer) * dst_size_;
    for (int64_t begin = 0; begin < length; begin += kGatherChunk) {
      const int64_t count = std::min(kGatherChunk, length - begin);
      kernels::gather(src_size_, in + begin * in_step, in_step, gathered, src_size_, count);
      row(gathered, converted, count);
      kernels::gather(dst_size_, converted, dst_size_, out + begin * out_step, out_step, count);
    }
  });
}

}  // namespace octavo
