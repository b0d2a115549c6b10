#include "steps/products/integer_attention.h"

#include <omp.h>

#include <algorithm>

#include "contract/input_value.h"
#include "contract/scratch.h"
#include "kernels/normalization.h"
#include "kernels/parallel.h"
#include "kernels/tiles/byte_factor.h"
#include "kernels/vnni/attention_weights.h"
#include "onednn/version.h"
#include "steps/products/head_matrices.h"
#include "steps/products/query_result.h"
#include "steps/products/score_mask.h"

namespace octavo {

namespace {
using kernels::ByteFactor;
using kernels::TileUnit;

// Queries of a tile: those of a block, or of two passes of VNNI.
constexpr int64_t kQueries = kernels::kBlockSide, kQueriesOfVnni = 2 * kernels::kRowsOfVnni;
// A sum of so many products of bytes, and what zero points add to it, is an int32.
constexpr int64_t kMostTerms = 16 * 1024;

// uint8 elements and their zero point are made int8 by this, and the other way round.
constexpr uint8_t kFlip = 0x80;
constexpr int32_t kShift = 128;

// Left factors are held as uint8 and right ones as int8, as products of bytes take them.
class Operand {
 public:
  Operand(const StepSpec& spec, size_t index, const char* what, const Dims& scores, int64_t group, DType held,
          const Parameters& given)
      : value_(spec, index, what),
        matrices_(value_.desc(), scores, group),
        columns_(value_.desc().shape.back()),
        flip_(value_.desc().dtype == held ? 0 : kFlip) {
    const int32_t shift = held == DType::u8 ? kShift : -kShift;
    zero_point_ = static_cast<int32_t>(given.zero_point) + (flip_ ? shift : 0);
  }

  int32_t zero_point() const { return zero_point_; }

  // Some rows of a head, `step` bytes apart, followed by zeros up to `whole_rows` of them.
  void copy(const Buffers& buffers, int64_t head, int64_t first, int64_t rows, uint8_t* to, int64_t step,
            int64_t whole_rows) const {
    const auto* from = static_cast<const uint8_t*>(value_.data(buffers)) + matrices_.offset(head, first);
    for (int64_t r = 0; r < rows; r++, from += matrices_.down(), to += step) {
      kernels::flip_bytes(from, matrices_.right(), columns_, flip_, to);
      std::fill(to + columns_, to + step, uint8_t{0});
    }
    std::fill_n(to, (whole_rows - rows) * step, uint8_t{0});
  }

 private:
  InputValue value_;
  HeadMatrices matrices_;
  int64_t columns_;
  uint8_t flip_;
  int32_t zero_point_;
};

class IntegerAttention : public Step {
 public:
  IntegerAttention(const StepSpec& spec, const AttentionProblem& problem)
      : unit_(onednn::has_amx() ? TileUnit::amx : TileUnit::vnni),
        quantization_(*problem.quantization),
        queries_(problem.queries()),
        length_(problem.length()),
        result_width_(problem.result_width()),
        heads_(problem.query.numel() / (queries_ * problem.width())),
        causal_(problem.causal),
        factor_(static_cast<float>(quantization_.query.scale * quantization_.key.scale * problem.scale)),
        query_(spec, 0, "the query", problem.scores(), 1, DType::u8, quantization_.query),
        key_(spec, 1, "the key", problem.scores(), problem.group, DType::s8, quantization_.key),
        value_(spec, 2, "the value", problem.scores(), problem.group, DType::s8, quantization_.value),
        mask_(ScoreMask::of(spec, problem)),
        result_(problem),
        keys_(problem.width(), length_),
        values_(length_, result_width_) {
    for (int i = 0; i < omp_get_max_threads(); i++) places_.push_back(reserve());
  }

  void execute(const Buffers& buffers) override {
    std::vector<int64_t> packed(places_.size(), -1);  // each thread's head
    const int64_t most = unit_ == TileUnit::vnni ? kQueriesOfVnni : kQueries;
    const int64_t tiles = (queries_ + most - 1) / most;
    // A core multiplies some 64 bytes in the time in which it moves one.
    const int64_t work = heads_ * queries_ * length_ * (keys_.row_bytes() + result_width_) / 64;
    kernels::parallel_for(heads_ * tiles, work, [&](int64_t item) {
      const int thread = omp_get_thread_num();
      const Places places = at(buffers.scratchpad, places_[static_cast<size_t>(thread)]);
      const int64_t head = item / tiles, tile = item % tiles;
      if (packed[static_cast<size_t>(thread)] != head) pack(buffers, places, head);
      packed[static_cast<size_t>(thread)] = head;
      // Tiles of equal size: the last of a few queries would take nearly as long as a whole one.
      const int64_t first = queries_ * tile / tiles, end = queries_ * (tile + 1) / tiles;
      compute(buffers, places, head, first, end - first);
    });
  }

  std::string implementation() const override {
    return unit_ == TileUnit::amx ? "octavo:tiles:attention" : "octavo:vnni:attention";
  }
  size_t scratchpad_bytes() const override { return scratch_.bytes(); }

 private:
  // Of one thread, by their offsets in the scratchpad.
  struct Offsets {
    size_t keys, values, key_sums, value_sums, rows, queries, scores, weights, sums, results;
  };
  struct Places {
    int8_t *keys, *values;           // packed
    int32_t *key_sums, *value_sums;  // that sums of products begin with
    uint8_t *rows, *queries;         // rows of bytes before they are packed
    int32_t* scores;                 // or the floats that they become
    uint8_t* weights;
    int32_t* sums;
    float* results;  // of one query
  };

  Offsets reserve() {
    const auto bytes = [&](int64_t count) { return scratch_.reserve(static_cast<size_t>(count)); };
    return {bytes(keys_.packed_bytes()),
            bytes(values_.packed_bytes()),
            bytes(keys_.whole_columns() * 4),
            bytes(values_.whole_columns() * 4),
            bytes(std::max(keys_.packed_bytes(), values_.packed_bytes())),
            bytes(kQueries * keys_.row_bytes()),
            bytes(kQueries * keys_.whole_columns() * 4),
            bytes(kQueries * values_.row_bytes()),
            bytes(kQueries * values_.whole_columns() * 4),
            bytes(result_width_ * 4)};
  }
  static Places at(void* scratchpad, const Offsets& offsets) {
    const auto place = [&](size_t offset) { return ScratchLayout::at(scratchpad, offset); };
    return {static_cast<int8_t*>(place(offsets.keys)),      static_cast<int8_t*>(place(offsets.values)),
            static_cast<int32_t*>(place(offsets.key_sums)), static_cast<int32_t*>(place(offsets.value_sums)),
            static_cast<uint8_t*>(place(offsets.rows)),     static_cast<uint8_t*>(place(offsets.queries)),
            static_cast<int32_t*>(place(offsets.scores)),   static_cast<uint8_t*>(place(offsets.weights)),
            static_cast<int32_t*>(place(offsets.sums)),     static_cast<float*>(place(offsets.results))};
  }

  void multiply(const ByteFactor& factor, const uint8_t* rows, int64_t count, const int8_t* packed,
                const int32_t* initial, int32_t* sums) const {
    if (unit_ == TileUnit::vnni)
      return factor.multiply(unit_, rows, count, packed, initial, sums, factor.whole_columns());
    const kernels::TileRegisters registers(factor.step_bytes());
    factor.multiply(unit_, rows, count, packed, initial, sums, factor.whole_columns());
  }

  void pack(const Buffers& buffers, const Places& places, int64_t head) const {
    auto* rows = reinterpret_cast<int8_t*>(places.rows);
    key_.copy(buffers, head, 0, length_, places.rows, keys_.row_bytes(), keys_.whole_columns());
    keys_.pack_columns(rows, places.keys);
    value_.copy(buffers, head, 0, length_, places.rows, values_.whole_columns(), values_.row_bytes());
    values_.pack_terms(rows, places.values);
    // A query's zero point times a key's sum; what the key's zero point adds is the same for all of a query's
    // scores, and softmax takes no notice of it.
    set_initial(keys_, places.keys, -query_.zero_point(), 0, places.queries, places.scores, places.key_sums);
    const auto zero_point = static_cast<int32_t>(quantization_.weights.zero_point);
    set_initial(values_, places.values, -zero_point,
                static_cast<int32_t>(length_) * zero_point * value_.zero_point(), places.weights, places.sums,
                places.value_sums);
  }

  // initial = factor * a column's sum + added. A column's sum is its product with ones.
  void set_initial(const ByteFactor& right, const int8_t* packed, int32_t factor, int32_t added,
                   uint8_t* rows, int32_t* sums, int32_t* initial) const {
    std::fill_n(rows, kernels::kTileSide * right.row_bytes(), uint8_t{1});
    std::fill_n(initial, right.whole_columns(), 0);
    multiply(right, rows, 1, packed, initial, sums);
    for (int64_t c = 0; c < right.whole_columns(); c++) initial[c] = factor * sums[c] + added;
  }

  void compute(const Buffers& buffers, const Places& places, int64_t head, int64_t first,
               int64_t count) const {
    query_.copy(buffers, head, first, count, places.queries, keys_.row_bytes(), kQueries);
    multiply(keys_, places.queries, count, places.keys, places.key_sums, places.scores);
    int32_t weight_sums[kQueries];
    for (int64_t r = 0; r < count; r++)
      weight_sums[r] = weigh(buffers, head, first + r, places.scores + r * keys_.whole_columns(),
                             places.weights + r * values_.row_bytes());
    multiply(values_, places.weights, count, places.values, places.value_sums, places.sums);
    for (int64_t r = 0; r < count; r++) {
      const auto scale = static_cast<float>(quantization_.weights.scale * quantization_.value.scale);
      kernels::scale_sums(places.sums + r * values_.whole_columns(), result_width_,
                          value_.zero_point() * weight_sums[r], scale, places.results);
      result_.store(places.results, buffers.outputs[0], head, first + r);
    }
  }

  // A query's weights from its scores; returns their sum.
  int32_t weigh(const Buffers& buffers, int64_t head, int64_t query, int32_t* scores,
                uint8_t* weights) const {
    const int64_t seen = causal_ ? std::min(query + 1, length_) : length_;
    auto* exponentials = reinterpret_cast<float*>(scores);
    float sum;
    if (mask_) {
      kernels::centre_scores(scores, seen, factor_, exponentials);
      mask_->add(buffers, head, query, exponentials, seen);
      sum = kernels::masked_exponentials_row(exponentials, exponentials, seen);
    } else {
      sum = kernels::exponentials_of_scores(scores, seen, factor_, exponentials);
    }
    const auto scale = static_cast<float>(quantization_.weights.scale);
    const auto zero = static_cast<int32_t>(quantization_.weights.zero_point);
    const int32_t weight_sum =
        kernels::quantize_weights(exponentials, seen, sum == 0 ? 0 : 1 / (sum * scale), zero, weights);
    std::fill(weights + seen, weights + length_, static_cast<uint8_t>(zero));
    return weight_sum + zero * static_cast<int32_t>(length_ - seen);
  }

  TileUnit unit_;
  AttentionProblem::Quantization quantization_;
  int64_t queries_, length_, result_width_, heads_;
  bool causal_;
  float factor_;
  Operand query_, key_, value_;
  std::optional<ScoreMask> mask_;
  QueryResult result_;
  ByteFactor keys_, values_;
  ScratchLayout scratch_;
  std::vector<Offsets> places_;
};
}  // namespace

Refusal integer_attention_refusal(const AttentionProblem& problem) {
  if (!problem.quantization) return "is for 8-bit integers alone";
  if (!onednn::has_amx() && !onednn::has_avx512_vnni())
    return "the CPU has neither AMX nor AVX-512 VNNI, or oneDNN is held to less";
  if (std::max(problem.width(), problem.length()) > kMostTerms) return "sums could exceed 32 bits";
  if (!(problem.scale > 0)) return "is for positive scales";
  return std::nullopt;
}

std::unique_ptr<Step> create_integer_attention(const StepSpec& spec, const AttentionProblem& problem) {
  return std::make_unique<IntegerAttention>(spec, problem);
}

}  // namespace octavo
