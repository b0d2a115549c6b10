#include "steps/products/tiled_attention.h"

#include <omp.h>

#include <algorithm>
#include <limits>

#include "contract/input_value.h"
#include "contract/scratch.h"
#include "kernels/arithmetic.h"
#include "kernels/float_product.h"
#include "kernels/float_rows.h"
#include "kernels/half_float.h"
#include "kernels/normalization.h"
#include "kernels/parallel.h"

namespace octavo {

namespace {
using kernels::FloatRows;

// Queries of a tile, and the scores that it may have: a fourth of a second-level cache of 1 MiB.
constexpr int64_t kMostQueries = 32, kFewestQueries = 8, kMostScores = 64 * 1024;

int64_t whole_panels(int64_t columns) {
  return (columns + kernels::kPackedColumns - 1) / kernels::kPackedColumns * kernels::kPackedColumns;
}

// Offsets of a tensor's matrices, one for each index of the leading extents of the scores.
class Matrices {
 public:
  Matrices(const TensorDesc& desc, const Dims& scores, int64_t group) : group_(group) {
    const size_t rank = scores.size(), missing = rank - desc.shape.size();
    for (size_t axis = 0; axis < rank; axis++) {
      const bool repeats = axis < missing || (desc.shape[axis - missing] == 1 && scores[axis] > 1);
      strides_.push_back(repeats ? 0 : desc.strides[axis - missing]);
    }
    extents_.assign(scores.begin(), scores.end() - 2);
  }

  // Of the matrix's first element.
  int64_t offset(int64_t index) const {
    int64_t offset = 0;
    for (size_t axis = extents_.size(); axis-- > 0; index /= extents_[axis]) {
      const int64_t at = index % extents_[axis];
      offset += (axis + 1 == extents_.size() ? at / group_ : at) * strides_[axis];
    }
    return offset;
  }
  int64_t down() const { return strides_[strides_.size() - 2]; }
  int64_t right() const { return strides_.back(); }

 private:
  int64_t group_;
  Dims extents_, strides_;
};

// A matrix of float32 elements, wherever they lie.
struct FloatMatrix {
  const float* first;
  int64_t down, right;
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
        dtype_(problem.query.dtype),
        scores_(scores_of(problem)),
        heads_(problem.query.numel() / (queries_ * width_)),
        tile_(std::clamp(kMostScores / length_ / kFewestQueries * kFewestQueries, kFewestQueries,
                         kMostQueries)),
        query_(spec, 0, "the query"),
        key_(spec, 1, "the key"),
        value_(spec, 2, "the value"),
        q_(problem.query, scores_, 1),
        k_(problem.key, scores_, problem.group),
        v_(problem.value, scores_, problem.group),
        result_(problem.result, scores_, 1) {
    if (problem.mask) {
      mask_.emplace(spec, 3, "the mask");
      mask_at_.emplace(*problem.mask, scores_, 1);
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
    size_t keys, values, floats, queries, scores, results;
  };
  struct Tile {
    int64_t head, first, count;  // queries
    float *keys, *values, *floats, *queries, *scores, *results;
  };

  static Dims scores_of(const AttentionProblem& problem) {
    Dims scores = problem.query.shape;
    scores.back() = problem.length();
    return scores;
  }

  size_t reserve(int64_t floats) { return scratch_.reserve(static_cast<size_t>(floats) * sizeof(float)); }
  Places reserve() {
    return {reserve(kernels::panel_elements(width_, length_)),
            reserve(kernels::panel_elements(length_, result_width_)),
            reserve(dtype_ == DType::f32 ? 0 : length_ * std::max(width_, result_width_)),
            reserve(tile_ * width_),
            reserve(tile_ * whole_panels(length_)),
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
            at(places.results)};
  }

  void pack(const Buffers& buffers, const Tile& tile) const {
    const FloatMatrix keys = floats(key_.data(buffers), k_, tile.head, 0, length_, width_, tile.floats);
    kernels::pack_panels(keys.first, keys.right, keys.down, width_, length_, tile.keys);
    const FloatMatrix values =
        floats(value_.data(buffers), v_, tile.head, 0, length_, result_width_, tile.floats);
    kernels::pack_panels(values.first, values.down, values.right, length_, result_width_, tile.values);
  }

  // Rows of a head's matrix: as they lie where they are float32, else converted to `to`.
  FloatMatrix floats(const void* data, const Matrices& matrices, int64_t head, int64_t row, int64_t rows,
                     int64_t columns, float* to) const {
    const auto* from = static_cast<const char*>(data);
    const auto bytes = static_cast<int64_t>(dtype_size(dtype_));
    const int64_t down = matrices.down(), right = matrices.right();
    from += (matrices.offset(head) + row * down) * bytes;
    if (dtype_ == DType::f32) return {reinterpret_cast<const float*>(from), down, right};
    for (int64_t r = 0; r < rows; r++, from += down * bytes)
      if (right == 1)
        kernels::load_row(dtype_, from, to + r * columns, columns, 1, 0);
      else
        for (int64_t c = 0; c < columns; c++)
          kernels::load_row(dtype_, from + c * right * bytes, to + r * columns + c, 1, 1, 0);
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
      if (mask_) add_mask(buffers, tile.head, tile.first + r, row, seen);
      sums[r] = kernels::masked_exponentials_row(row, row, seen);
      std::fill(row + seen, row + length, 0.0f);
    }
    kernels::multiply_panels({scores.first, scores.step}, tile.count, {tile.values, length_}, length,
                             result_width_, 1, results);
    // The results are divided by the weights' sum: they are fewer.
    for (int64_t r = 0; r < tile.count; r++) {
      float* row = results.first + r * results.step;
      kernels::linear_row(row, sums[r] == 0 ? 0 : 1 / sums[r], 0, row, result_width_);
      store(row, buffers.outputs[0], tile.head, tile.first + r);
    }
  }

  void store(const float* row, void* outputs, int64_t head, int64_t query) const {
    const int64_t right = result_.right();
    const auto bytes = static_cast<int64_t>(dtype_size(dtype_));
    char* to = static_cast<char*>(outputs) + (result_.offset(head) + query * result_.down()) * bytes;
    if (right == 1) return kernels::store_row(dtype_, row, to, result_width_, 1, 0, {0, 0});
    for (int64_t c = 0; c < result_width_; c++)
      kernels::store_row(dtype_, row + c, to + c * right * bytes, 1, 1, 0, {0, 0});
  }

  FloatRows<const float> rows_of_queries(const Buffers& buffers, const Tile& tile) const {
    const FloatMatrix given =
        floats(query_.data(buffers), q_, tile.head, tile.first, tile.count, width_, tile.queries);
    if (given.right == 1) return {given.first, given.down};
    for (int64_t r = 0; r < tile.count; r++)
      for (int64_t c = 0; c < width_; c++)
        tile.queries[r * width_ + c] = given.first[r * given.down + c * given.right];
    return {tile.queries, width_};
  }

  void add_mask(const Buffers& buffers, int64_t head, int64_t query, float* scores, int64_t count) const {
    const int64_t first = mask_at_->offset(head) + query * mask_at_->down(), step = mask_at_->right();
    const void* data = mask_->data(buffers);
    switch (mask_->desc().dtype) {
      case DType::boolean: {
        const auto* attends = static_cast<const uint8_t*>(data) + first;
        for (int64_t i = 0; i < count; i++)
          if (!attends[i * step]) scores[i] = -std::numeric_limits<float>::infinity();
        return;
      }
      case DType::f32: {
        const auto* added = static_cast<const float*>(data) + first;
        if (step == 1) return kernels::add_rows(scores, added, scores, count);
        for (int64_t i = 0; i < count; i++) scores[i] += added[i * step];
        return;
      }
      default: {
        const auto* added = static_cast<const uint16_t*>(data) + first;
        for (int64_t i = 0; i < count; i++) scores[i] += kernels::from_bf16(added[i * step]);
      }
    }
  }

  int64_t queries_, length_, width_, result_width_;
  bool causal_;
  float scale_;
  DType dtype_;
  Dims scores_;
  int64_t heads_, tile_;
  InputValue query_, key_, value_;
  std::optional<InputValue> mask_;
  Matrices q_, k_, v_, result_;
  std::optional<Matrices> mask_at_;
  ScratchLayout scratch_;
  std::vector<Places> places_;
};
}  // namespace

std::unique_ptr<Step> create_tiled_attention(const StepSpec& spec, const AttentionProblem& problem) {
  return std::make_unique<TiledAttention>(spec, problem);
}

}  // namespace octavo
