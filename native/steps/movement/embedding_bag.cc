// Sums, means and maxima of rows of a table: bags of indices, each beginning at an offset. Rows of 8-bit
// integers are dequantized as they are read, each with its own parameters. The row `paddingIndex` belongs to
// no bag.
#include <algorithm>
#include <optional>
#include <stdexcept>

#include "contract/index_list.h"
#include "contract/input_value.h"
#include "contract/parameters.h"
#include "contract/table.h"
#include "kernels/arithmetic.h"
#include "kernels/parallel.h"
#include "kernels/row_conversion.h"

namespace octavo {

namespace {
class EmbeddingBag : public Step {
 public:
  explicit EmbeddingBag(const StepSpec& spec)
      : table_(spec, 0, "the table"),
        indices_(spec, 1, "the indices", scratch_),
        offsets_(spec, 2, "the offsets", scratch_),
        mode_(mode_from_name(spec.attributes.text("mode", "sum"))),
        padding_index_(spec.attributes.integer("paddingIndex", -1)),
        name_("embedding_bag '" + spec.node + "'") {
    const auto& table = table_.desc();
    if (table.shape.size() != 2 || !table.is_contiguous())
      throw std::invalid_argument("the table must be a row-major matrix, got " + table.to_string());
    for (const auto* desc : {&indices_.desc(), &offsets_.desc()})
      if (desc->shape.size() != 1)
        throw std::invalid_argument("indices and offsets must be vectors, got " + desc->to_string());
    size_t next = 3;
    if (spec.attributes.boolean("hasScales", false)) {
      scales_.emplace(spec, next++, "scales");
      zero_points_.emplace(spec, next++, "zero points");
      check_parameters(scales_->desc(), table.shape[0], "scales");
      check_parameters(zero_points_->desc(), table.shape[0], "zero points");
    }
    if (scales_ ? !is_byte(table.dtype) : table.dtype != DType::f32)
      throw std::invalid_argument("the table must be float32, or uint8 or int8 with scales, got " +
                                  table.to_string());
    if (spec.attributes.boolean("hasWeights", false)) {
      weights_.emplace(spec, next++, "the weights");
      const auto& weights = weights_->desc();
      if (weights.dtype != DType::f32 || weights.shape != indices_.desc().shape || !weights.is_contiguous())
        throw std::invalid_argument("the weights must be float32, one for every index, got " +
                                    weights.to_string());
    }
    bags_ = offsets_.desc().shape[0] - (spec.attributes.boolean("includeLastOffset", false) ? 1 : 0);
    const TensorDesc wanted{DType::f32, {bags_, table.shape[1]}, {}};
    const auto& output = spec.outputs.at(0);
    if (bags_ < 0 || output.shape != wanted.shape || output.dtype != DType::f32 || !output.is_contiguous())
      throw std::invalid_argument("the output must be row-major " + wanted.to_string());
    row_offset_ = scratch_.reserve(static_cast<size_t>(bags_ * table.shape[1]) * sizeof(float));
  }

  void execute(const Buffers& buffers) override {
    const int64_t width = table_.desc().shape[1], count = indices_.desc().numel();
    // Both are a request's data: checked before anything is read by them.
    const int64_t* indices = indices_.copy_rows(buffers, table_.desc().shape[0], name_);
    const int64_t* offsets = offsets_.copy(buffers);
    check_offsets(offsets, count);
    auto* rows = static_cast<float*>(ScratchLayout::at(buffers.scratchpad, row_offset_));
    auto* out = static_cast<float*>(buffers.outputs[0]);
    const auto* weights = weights_ ? static_cast<const float*>(weights_->data(buffers)) : nullptr;
    kernels::parallel_for(bags_, count * width * static_cast<int64_t>(sizeof(float)), [&](int64_t bag) {
      const int64_t begin = offsets[bag];
      const int64_t end = bag + 1 < offsets_.desc().shape[0] ? offsets[bag + 1] : count;
      float *result = out + bag * width, *row = rows + bag * width;
      std::fill(result, result + width, 0.0f);
      int64_t members = 0;
      for (int64_t i = begin; i < end; i++) {
        if (indices[i] == padding_index_) continue;
        members++;
        load(buffers, indices[i], row);
        if (weights) kernels::linear_row(row, weights[i], 0, row, width);
        if (mode_ != Mode::max)
          kernels::add_rows(result, row, result, width);
        else if (members > 1)
          kernels::maximum_rows(result, row, result, width);
        else
          std::copy_n(row, width, result);
      }
      if (mode_ == Mode::mean && members > 0)
        kernels::divide_row(result, static_cast<float>(members), result, width);
    });
  }
  std::string implementation() const override { return "octavo:embedding_bag"; }
  size_t scratchpad_bytes() const override { return scratch_.bytes(); }

 private:
  enum class Mode { sum, mean, max };

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

  void load(const Buffers& buffers, int64_t row, float* values) const {
    const auto& table = table_.desc();
    const int64_t width = table.shape[1];
    const auto* from = static_cast<const char*>(table_.data(buffers)) +
                       row * width * static_cast<int64_t>(dtype_size(table.dtype));
    const kernels::Affine affine =
        scales_ ? kernels::Affine{parameter_at(scales_->desc(), scales_->data(buffers), row),
                                  parameter_at(zero_points_->desc(), zero_points_->data(buffers), row)}
                : kernels::Affine{};
    kernels::RowConversion::affine(table.dtype, affine, DType::f32, {}, {0, 0})(from, values, width);
  }

  ScratchLayout scratch_;
  InputValue table_;
  IndexList indices_, offsets_;
  std::optional<InputValue> scales_, zero_points_, weights_;
  Mode mode_;
  int64_t padding_index_;  // -1 without one
  std::string name_;
  int64_t bags_;
  size_t row_offset_;
};
}  // namespace

std::unique_ptr<Step> create_embedding_bag(const StepSpec& spec) {
  return std::make_unique<EmbeddingBag>(spec);
}

}  // namespace octavo
