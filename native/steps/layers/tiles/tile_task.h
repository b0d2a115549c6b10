// One thread's share of a layer: some rows of positions, some blocks of output channels.
#pragma once

#include "kernels/tiles/tile_product.h"
#include "kernels/vnni/sums_output.h"
#include "steps/layers/tiles/tile_source.h"
#include "steps/layers/tiles/tile_weights.h"

namespace octavo {

// What all tasks of a run share.
struct TileRun {
  kernels::TileUnit unit;
  const TileSource& source;
  const std::vector<int64_t>& step_offsets;
  const TileWeights& weights;
  const TensorDesc &dst_desc, &addend_desc;
  bool is_signed;  // the source
  const int8_t* packed;
  const int32_t* initial;  // of the sums, by position of the blocks' channels
  const kernels::Epilogue& epilogue;
  kernels::StoreSums store;
  const char* addend;  // null if nothing is added
  char* dst;
};

class TileTask {
 public:
  // Positions in which one product computes.
  static constexpr int64_t kGroup = kernels::kSumRows;
  struct Range {
    int64_t begin, end;
  };

  // `positions` begin at `cells`, and with the first pixel of `row` of an image unless the source is in
  // place. `sums` has room for kSumsBytes.
  TileTask(const TileRun& run, const uint8_t* cells, int64_t image, int64_t row, Range positions,
           int32_t* sums)
      : run_(run), cells_(cells), image_(image), row_(row), positions_(positions), sums_(sums) {}
  static constexpr size_t kSumsBytes = kernels::kSumsBytes;

  void compute(Range blocks) const;

 private:
  // Weights to bring into the cache.
  struct Ahead {
    const int8_t* weights = nullptr;
    int64_t bytes = 0;
  };
  // Those from `first` to `last` (excluded) have results; products begin at `start`.
  struct Positions {
    int64_t start, first, last;
  };

  int64_t groups() const;
  int64_t passes() const;
  void multiply_all(Range blocks) const;
  void compute_by_group(Range blocks) const;
  void compute_by_block(Range blocks) const;
  void multiply(int64_t group, int64_t block, Ahead ahead) const;
  void multiply(Positions positions, int64_t rows, int64_t block, Ahead ahead) const;
  void store(Positions positions, int64_t block) const;
  template <typename Byte>
  kernels::ByteRows<Byte> pixels(const TensorDesc& desc, Byte* base, int64_t row, int64_t column,
                                 int64_t channel) const;

  const TileRun& run_;
  const uint8_t* cells_;
  int64_t image_, row_;
  Range positions_;
  int32_t* sums_;
};

}  // namespace octavo
