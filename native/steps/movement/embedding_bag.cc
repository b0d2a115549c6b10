// Sums, means and maxima of rows of a table: bags of indices, each beginning at an offset. Rows of small
// integers are dequantized as they are added, each with its own parameters. The row `paddingIndex` belongs to
// no bag.
#include <algorithm>
#include <optional>
#include <stdexcept>

#include "contract/index_list.h"
#include "contract/input_value.h"
#include "contract/table.h"
#include "kernels/arithmetic.h"
#include "kernels/parallel.h"
#include "steps/movement/embedding_table.h"

namespace octavo {

namespace {
class EmbeddingBag : public Step {
 public:
  explicit EmbeddingBag(const StepSpec& spec)
      : table_(spec),
        indices_(spec, 1, "the indices", scratch_),
        offsets_(spec, 2, "the offsets", scratch_),
        mode_(mode_from_name(spec.attributes.text("mode", "sum"))),
        padding_index_(spec.attributes.integer("paddingIndex", -1)),
        name_("embedding_bag '" + spec.node + "'") {
    for (const auto* desc : {&indices_.desc(), &offsets_.desc()})
      if (desc->shape.size() != 1)
        throw std::invalid_argument("indices and offsets must be vectors, got " + desc->to_string());
    if (spec.attributes.boolean("hasWeights", false)) {
      weights_.emplace(spec, 3, "the weights");
      const auto& weights = weights_->desc();
      if (weights.dtype != DType::f32 || weights.shape != indices_.desc().shape || !weights.is_contiguous())
        throw std::invalid_argument("the weights must be float32, one for every index, got " +
                                    weights.to_string());
    }
    bags_ = offsets_.desc().shape[0] - (spec.attributes.boolean("includeLastOffset", false) ? 1 : 0);
    const TensorDesc wanted{DType::f32, {bags_, table_.width()}, {}};
    const auto& output = spec.outputs.at(0);
    if (bags_ < 0 || output.shape != wanted.shape || output.dtype != DType::f32 || !output.is_contiguous())
      throw std::invalid_argument("the output must be row-major " + wanted.to_string());
    if (mode_ == Mode::max)
      row_offset_ = scratch_.reserve(static_cast<size_t>(bags_ * table_.width()) * sizeof(float));
  }

  void execute(const Buffers& buffers) override {
    const int64_t width = table_.width(), count = indices_.desc().numel();
    // Both are a request's data: checked before anything is read by them.
    const int64_t* indices = indices_.copy_rows(buffers, table_.rows(), name_);
    const int64_t* offsets = offsets_.copy(buffers);
    check_offsets(offsets, count);
    auto* out = static_cast<float*>(buffers.outputs[0]);
    kernels::parallel_for(bags_, count * width * static_cast<int64_t>(sizeof(float)), [&](int64_t bag) {
      const int64_t begin = offsets[bag];
      const int64_t end = bag + 1 < offsets_.desc().shape[0] ? offsets[bag + 1] : count;
      float* result = out + bag * width;
      std::fill(result, result + width, 0.0f);
      int64_t members = 0;
      for (int64_t i = begin; i < end; i++) {
        if (i + kAhead < count) table_.prefetch(buffers, indices[i + kAhead]);
        if (indices[i] == padding_index_) continue;
        members++;
        if (mode_ == Mode::max)
          take_maximum(buffers, indices[i], bag, members == 1, result);
        else
          table_.add(buffers, indices[i], weight_of(buffers, i), result);
      }
      if (mode_ == Mode::mean && members > 0)
        kernels::divide_row(result, static_cast<float>(members), result, width);
    });
  }
  std::string implementation() const override { return "octavo:embedding_bag"; }
  size_t scratchpad_bytes() const override { return scratch_.bytes(); }

 private:
  enum class Mode { sum, mean, max };
  static constexpr int64_t kAhead = 8;  // rows

  static Mode mode_from_name(const std::string& name) {
    if (name == "sum") return Mode::sum;
    if (name == "mean") return Mode::mean;
    if (name == "max") return Mode::max;
    throw std::invalid_argument("mode must be 'sum', 'mean' or 'max', got '" + name + "'");
  }

  void check_offsets(const int64_t* offsets, int64_t count) const {
    int64_t before = 0;
    for (int64_t i = 0; i < offsets_.desc().shape[0]; i++) {
      const int64_t offset = offsets[i];
      if (offset < before || offset > count || (i == 0 && offset != 0))
        throw std::out_of_range(name_ + ": offsets must begin with 0, not fall, and stay within " +
                                std::to_string(count) + " indices; offset " + std::to_string(i) + " is " +
                                std::to_string(offset));
      before = offset;
    }
  }

  float weight_of(const Buffers& buffers, int64_t i) const {
    return weights_ ? static_cast<const float*>(weights_->data(buffers))[i] : 1.0f;
  }

  void take_maximum(const Buffers& buffers, int64_t index, int64_t bag, bool is_first, float* result) const {
    const int64_t width = table_.width();
    if (is_first) return table_.read(buffers, index, result);
    auto* row = static_cast<float*>(ScratchLayout::at(buffers.scratchpad, row_offset_)) + bag * width;
    table_.read(buffers, index, row);
    kernels::maximum_rows(result, row, result, width);
  }

  ScratchLayout scratch_;
  EmbeddingTable table_;
  IndexList indices_, offsets_;
  std::optional<InputValue> weights_;
  Mode mode_;
  int64_t padding_index_;  // -1 without one
  std::string name_;
  int64_t bags_;
  size_t row_offset_ = 0;  // of a row for each bag, where rows are compared
};
}  // namespace

std::unique_ptr<Step> create_embedding_bag(const StepSpec& spec) {
  return std::make_unique<EmbeddingBag>(spec);
}

}  // namespace octavo
