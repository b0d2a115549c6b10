#include "steps/products/tiled_attention.h"

#include <omp.h>

#include <algorithm>

#include "contract/input_value.h"
#include "contract/scratch.h"
#include "kernels/arithmetic.h"
#include "kernels/float_product.h"
#include "kernels/float_rows.h"
#include "kernels/normalization.h"
#include "kernels/parallel.h"
#include "steps/products/head_matrices.h"
#include "steps/products/query_result.h"
#include "steps/products/score_mask.h"

namespace octavo {

namespace {
using kernels::FloatRows;

// Queries of a tile, and the scores that it may have: a fourth of a second-level cache of 1 MiB.
constexpr int64_t kMostQueries = 32, kFewestQueries = 8, kMostScores = 64 * 1024;

int64_t whole_panels(int64_t columns) {
  return (columns + kernels::kPackedColumns - 1) / kernels::kPackedColumns * kernels::kPackedColumns;
}

// A matrix of float32 elements, wherever they lie.
struct FloatMatrix {
  const float* first;
  int64_t down, right;
};

struct Operand {
  InputValue value;
  HeadMatrices matrices;
  int64_t columns;
  Parameters stored;
};

class TiledAttention : public Step {
 public:
  TiledAttention(const StepSpec& spec, const AttentionProblem& problem)
      : queries_(problem.queries()),
        length_(problem.length()),
        width_(problem.width()),
        result_width_(problem.result_width()),
        causal_(problem.causal),
        scale_(problem.scale),
        quantization_(problem.quantization),
        heads_(problem.query.numel() / (queries_ * width_)),
        tile_(std::clamp(kMostScores / length_ / kFewestQueries * kFewestQueries, kFewestQueries,
                         kMostQueries)),
        query_(operand(spec, 0, problem, problem.query, 1)),
        key_(operand(spec, 1, problem, problem.key, problem.group)),
        value_(operand(spec, 2, problem, problem.value, problem.group)),
        mask_(ScoreMask::of(spec, problem)),
        result_(problem) {
    if (quantization_) {
      query_.stored = quantization_->query;
      key_.stored = quantization_->key;
      value_.stored = quantization_->value;
    }
    for (int i = 0; i < omp_get_max_threads(); i++) places_.push_back(reserve());
  }

  void execute(const Buffers& buffers) override {
    std::vector<int64_t> packed(places_.size(), -1);  // each thread's head
    const int64_t tiles = (queries_ + tile_ - 1) / tile_;
    // A core multiplies some 16 floats in the time in which it moves a byte.
    const int64_t work = heads_ * queries_ * length_ * (width_ + result_width_) / 16;
    kernels::parallel_for(heads_ * tiles, work, [&](int64_t item) {
      const int thread = omp_get_thread_num();
      const Tile tile = tile_of(buffers, places_[thread], item / tiles, item % tiles * tile_);
      if (packed[thread] != tile.head) pack(buffers, tile);
      packed[thread] = tile.head;
      compute(buffers, tile);
    });
  }

  std::string implementation() const override { return "octavo:tiled_attention"; }
  size_t scratchpad_bytes() const override { return scratch_.bytes(); }

 private:
  // Of one thread.
  struct Places {
    size_t keys, values, floats, queries, scores, bytes, results;
  };
  struct Tile {
    int64_t head, first, count;  // queries
    float *keys, *values, *floats, *queries, *scores, *results;
    uint8_t* bytes;  // of a query's weights
  };

  static Operand operand(const StepSpec& spec, size_t index, const AttentionProblem& problem,
                         const TensorDesc& desc, int64_t group) {
    const char* names[] = {"the query", "the key", "the value"};
    return {InputValue(spec, index, names[index]),
            HeadMatrices(desc, problem.scores(), group),
            desc.shape.back(),
            {1, 0}};
  }

  size_t reserve(int64_t floats) { return scratch_.reserve(static_cast<size_t>(floats) * sizeof(float)); }
  Places reserve() {
    return {reserve(kernels::panel_elements(width_, length_)),
            reserve(kernels::panel_elements(length_, result_width_)),
            reserve(query_.value.desc().dtype == DType::f32 ? 0 : length_ * std::max(width_, result_width_)),
            reserve(tile_ * width_),
            reserve(tile_ * whole_panels(length_)),
            scratch_.reserve(quantization_ ? static_cast<size_t>(length_) : 0),
            reserve(tile_ * whole_panels(result_width_))};
  }
  Tile tile_of(const Buffers& buffers, const Places& places, int64_t head, int64_t first) const {
    const auto at = [&](size_t place) {
      return static_cast<float*>(ScratchLayout::at(buffers.scratchpad, place));
    };
    return {head,
            first,
            std::min(tile_, queries_ - first),
            at(places.keys),
            at(places.values),
            at(places.floats),
            at(places.queries),
            at(places.scores),
            at(places.results),
            static_cast<uint8_t*>(ScratchLayout::at(buffers.scratchpad, places.bytes))};
  }

  void pack(const Buffers& buffers, const Tile& tile) const {
    const FloatMatrix keys = floats(buffers, key_, tile.head, 0, length_, tile.floats);
    kernels::pack_panels(keys.first, keys.right, keys.down, width_, length_, tile.keys);
    const FloatMatrix values = floats(buffers, value_, tile.head, 0, length_, tile.floats);
    kernels::pack_panels(values.first, values.down, values.right, length_, result_width_, tile.values);
  }

  // Rows of a head's matrix: as they lie where they are float32, else converted to `to`.
  FloatMatrix floats(const Buffers& buffers, const Operand& operand, int64_t head, int64_t row, int64_t rows,
                     float* to) const {
    const DType dtype = operand.value.desc().dtype;
    const auto bytes = static_cast<int64_t>(dtype_size(dtype));
    const int64_t down = operand.matrices.down(), right = operand.matrices.right();
    const char* from =
        static_cast<const char*>(operand.value.data(buffers)) + operand.matrices.offset(head, row) * bytes;
    if (dtype == DType::f32) return {reinterpret_cast<const float*>(from), down, right};
    const auto scale = static_cast<float>(operand.stored.scale),
               zero_point = static_cast<float>(operand.stored.zero_point);
    const int64_t columns = operand.columns;
    for (int64_t r = 0; r < rows; r++, from += down * bytes)
      if (right == 1)
        kernels::load_row(dtype, from, to + r * columns, columns, scale, zero_point);
      else
        for (int64_t c = 0; c < columns; c++)
          kernels::load_row(dtype, from + c * right * bytes, to + r * columns + c, 1, scale, zero_point);
    return {to, columns, 1};
  }

  void compute(const Buffers& buffers, const Tile& tile) const {
    // Keys after a tile's last query are seen by none of it.
    const int64_t last = tile.first + tile.count, length = causal_ ? std::min(last, length_) : length_;
    const FloatRows<float> scores{tile.scores, whole_panels(length_)},
        results{tile.results, whole_panels(result_width_)};
    kernels::multiply_panels(rows_of_queries(buffers, tile), tile.count, {tile.keys, width_}, width_, length,
                             scale_, scores);
    float sums[kMostQueries];
    for (int64_t r = 0; r < tile.count; r++) {
      float* row = scores.first + r * scores.step;
      const int64_t seen = causal_ ? std::min(tile.first + r + 1, length) : length;
      if (mask_) mask_->add(buffers, tile.head, tile.first + r, row, seen);
      sums[r] = kernels::masked_exponentials_row(row, row, seen);
      if (quantization_) sums[r] = quantize(row, seen, sums[r], tile.bytes);
      std::fill(row + seen, row + length, 0.0f);
    }
    kernels::multiply_panels({scores.first, scores.step}, tile.count, {tile.values, length_}, length,
                             result_width_, 1, results);
    // The results are divided by the weights' sum: they are fewer.
    for (int64_t r = 0; r < tile.count; r++) {
      float* row = results.first + r * results.step;
      kernels::linear_row(row, sums[r] == 0 ? 0 : 1 / sums[r], 0, row, result_width_);
      result_.store(row, buffers.outputs[0], tile.head, tile.first + r);
    }
  }

  // What the bytes of the weights stand for; returns their sum, by which they are already divided.
  float quantize(float* exponentials, int64_t count, float sum, uint8_t* bytes) const {
    const auto scale = static_cast<float>(quantization_->weights.scale),
               zero_point = static_cast<float>(quantization_->weights.zero_point);
    kernels::linear_row(exponentials, sum == 0 ? 0 : 1 / sum, 0, exponentials, count);
    kernels::store_row(DType::u8, exponentials, bytes, count, 1 / scale, zero_point, {0, 255});
    kernels::load_row(DType::u8, bytes, exponentials, count, scale, zero_point);
    return 1;
  }

  FloatRows<const float> rows_of_queries(const Buffers& buffers, const Tile& tile) const {
    const FloatMatrix given = floats(buffers, query_, tile.head, tile.first, tile.count, tile.queries);
    if (given.right == 1) return {given.first, given.down};
    for (int64_t r = 0; r < tile.count; r++)
      for (int64_t c = 0; c < width_; c++)
        tile.queries[r * width_ + c] = given.first[r * given.down + c * given.right];
    return {tile.queries, width_};
  }

  int64_t queries_, length_, width_, result_width_;
  bool causal_;
  float scale_;
  std::optional<AttentionProblem::Quantization> quantization_;
  int64_t heads_, tile_;
  Operand query_, key_, value_;
  std::optional<ScoreMask> mask_;
  QueryResult result_;
  ScratchLayout scratch_;
  std::vector<Places> places_;
};
}  // namespace

std::unique_ptr<Step> create_tiled_attention(const StepSpec& spec, const AttentionProblem& problem) {
  return std::make_unique<TiledAttention>(spec, problem);
}

}  // namespace octavo
