#include "steps/layers/tiles/tile_task.h"

#include <algorithm>

#include "steps/layers/images/layer_problem.h"

namespace octavo {

namespace {
using kernels::kTileSide;
constexpr int64_t kChannels = kernels::kBlockChannels;
static_assert(kernels::kSumsStep == kChannels && kernels::kBlockSide == TileTask::kGroup);

// Weights of this many bytes stay in the second-level cache while all rows pass. Of more, a block stays, and
// the rows pass for each block.
constexpr int64_t kResidentWeights = 512 * 1024;

// Passes of VNNI over the rows of a group.
constexpr int64_t kPasses = TileTask::kGroup / kernels::kRowsOfVnni;
}  // namespace

void TileTask::compute(Range blocks) const {
  if (run_.unit == kernels::TileUnit::vnni) return multiply_all(blocks);
  const kernels::TileRegisters registers(run_.source.step_bytes());
  multiply_all(blocks);
}

void TileTask::multiply_all(Range blocks) const {
  if (run_.weights.offset(blocks.end) - run_.weights.offset(blocks.begin) <= kResidentWeights)
    compute_by_group(blocks);
  else
    compute_by_block(blocks);
}

void TileTask::compute_by_group(Range blocks) const {
  for (int64_t group = 0; group < groups(); group++)
    for (int64_t block = blocks.begin; block < blocks.end; block++) multiply(group, block, {});
}

// Meanwhile the next block's weights come from memory, a part with each group.
void TileTask::compute_by_block(Range blocks) const {
  const int64_t count = groups();
  for (int64_t block = blocks.begin; block < blocks.end; block++) {
    const int64_t next = run_.weights.offset(block + 1);
    const int64_t bytes = block + 1 < blocks.end ? run_.weights.offset(block + 2) - next : 0;
    for (int64_t group = 0; group < count; group++)
      multiply(group, block, {run_.packed + next + bytes * group / count, bytes / count});
  }
}

int64_t TileTask::groups() const {
  const int64_t count = positions_.end - positions_.begin;
  return run_.unit == kernels::TileUnit::vnni ? (passes() + kPasses - 1) / kPasses
                                              : (count + kGroup - 1) / kGroup;
}

int64_t TileTask::passes() const {
  return (positions_.end - positions_.begin + kernels::kRowsOfVnni - 1) / kernels::kRowsOfVnni;
}

// The results of a group of positions and a block of channels.
void TileTask::multiply(int64_t group, int64_t block, Ahead ahead) const {
  if (run_.unit == kernels::TileUnit::vnni) {
    // Passes of equal size: the last of a few rows would take nearly as long as a whole one.
    const auto start = [&](int64_t pass) {
      return positions_.begin + (positions_.end - positions_.begin) * pass / passes();
    };
    const int64_t from = start(group * kPasses), to = start(std::min((group + 1) * kPasses, passes()));
    return multiply({from, from, to}, to - from, block, ahead);
  }
  const int64_t first = positions_.begin + group * kGroup, last = std::min(first + kGroup, positions_.end);
  if (!run_.source.is_in_place()) return multiply({first, first, last}, last - first, block, ahead);
  // AMX reads whole tiles of pixels. The last ones read some of those before as well.
  const int64_t rows = last - first > kTileSide ? 2 * kTileSide : kTileSide;
  const int64_t pixels = run_.source.width(), last_start = pixels - rows;
  if (last_start >= 0) return multiply({std::min(first, last_start), first, last}, rows, block, ahead);
  multiply({0, 0, kTileSide}, kTileSide, block, ahead);
  multiply({pixels - kTileSide, kTileSide, last}, kTileSide, block, {});
}

void TileTask::multiply(Positions positions, int64_t rows, int64_t block, Ahead ahead) const {
  const auto steps = static_cast<int64_t>(run_.step_offsets.size());
  const int64_t tiles = run_.weights.tiles(block), pairs = (tiles + 1) / 2;
  const int64_t cell = run_.source.cell_bytes();
  kernels::TileSteps product{
      cells_ + positions.start * cell, cell,          run_.step_offsets.data(),     steps,
      run_.weights.step_tile_bytes(),  ahead.weights, ahead.bytes / (steps * pairs)};
  const int8_t* packed = run_.packed + run_.weights.offset(block);
  for (int64_t tile = 0; tile < tiles; tile += 2, product.ahead += steps * product.ahead_bytes)
    kernels::multiply_tiles(run_.unit, run_.is_signed, product, rows, std::min<int64_t>(2, tiles - tile),
                            packed + tile * run_.weights.tile_bytes(),
                            run_.initial + block * kChannels + tile * kTileSide, sums_ + tile * kTileSide);
  store(positions, block);
}

// A row of positions may end with some that are no results.
void TileTask::store(Positions positions, int64_t block) const {
  const int64_t width = run_.source.width();
  const int64_t columns = run_.source.is_in_place() ? width : run_.dst_desc.shape[3];
  const int64_t channel = block * kChannels, channels = std::min(kChannels, run_.dst_desc.shape[1] - channel);
  for (int64_t position = positions.first; position < positions.last;) {
    const int64_t row = position / width, column = position % width;
    const int64_t next = std::min(positions.last, position - column + width);
    const int64_t count = std::min(next - position, columns - column);
    if (count > 0) {
      const kernels::SumRows rows{sums_ + (position - positions.start) * kChannels, count, channels, channel};
      kernels::ByteRows<const char> addend{nullptr, 0};
      if (run_.addend) addend = pixels(run_.addend_desc, run_.addend, row, column, channel);
      run_.store(rows, run_.epilogue, addend, pixels(run_.dst_desc, run_.dst, row, column, channel));
    }
    position = next;
  }
}

template <typename Byte>
kernels::ByteRows<Byte> TileTask::pixels(const TensorDesc& desc, Byte* base, int64_t row, int64_t column,
                                         int64_t channel) const {
  const auto size = static_cast<int64_t>(dtype_size(desc.dtype));
  const int64_t pixel =
      run_.source.is_in_place() ? column * pixel_step(desc) : pixel_offset(desc, image_, row_ + row, column);
  return {base + (pixel + channel) * size, pixel_step(desc) * size};
}

}  // namespace octavo
