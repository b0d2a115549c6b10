// y = unary(x W^T * scales + b) over the last dimension, where only the weight is narrow: int8 with a scale
// per output channel, or float16. It stays narrow in memory, and is widened tile by tile.
#include <algorithm>
#include <optional>
#include <stdexcept>

#include "contract/input_value.h"
#include "contract/scratch.h"
#include "contract/table.h"
#include "kernels/arithmetic.h"
#include "kernels/narrow_product.h"
#include "kernels/parallel.h"
#include "rows/row_function.h"
#include "rows/strided.h"
#include "weights/aligned_buffer.h"

namespace octavo {

namespace {
constexpr int64_t kRows = 64;  // computed per widened tile

class WeightOnlyLinear : public Step {
 public:
  explicit WeightOnlyLinear(const StepSpec& spec)
      : x_(spec, 0, "the tensor"),
        weight_(spec, 1, "the weight"),
        constant_(spec.inputs[1].constant),
        function_(spec.attributes) {
    const auto &x = x_.desc(), &weight = weight_.desc();
    const auto& y = spec.outputs.at(0);
    if (weight.dtype != DType::s8 && weight.dtype != DType::f16)
      throw std::invalid_argument(std::string("the weight must be int8 or float16, got ") +
                                  dtype_name(weight.dtype));
    if (x.shape.empty() || weight.shape.size() != 2 || weight.shape[1] != x.shape.back() ||
        !weight.is_contiguous())
      throw std::invalid_argument(
          "the weight must be a row-major matrix whose rows are as long as the input's, got " +
          weight.to_string());
    channels_ = weight.shape[0];
    terms_ = weight.shape[1];
    if (x.numel() == 0 || channels_ == 0) throw std::invalid_argument("empty tensors cannot be multiplied");
    rows_ = x.numel() / terms_;
    Dims expected = x.shape;
    expected.back() = channels_;
    if (y.shape != expected)
      throw std::invalid_argument("the output must be " + TensorDesc{y.dtype, expected, {}}.to_string());
    for (const auto* desc : {&x, &y})
      if (desc->dtype != DType::f32 && desc->dtype != DType::bf16)
        throw std::invalid_argument(std::string("input and output must be float32 or bfloat16, got ") +
                                    dtype_name(desc->dtype));
    if (weight.dtype == DType::s8) {
      scales_ = spec.attributes.floats("weightScales");
      if (scales_.size() == 1) scales_.resize(static_cast<size_t>(channels_), scales_[0]);
      if (static_cast<int64_t>(scales_.size()) != channels_)
        throw std::invalid_argument("weightScales must hold 1 or " + std::to_string(channels_) +
                                    " numbers, got " + std::to_string(scales_.size()));
    }
    if (spec.attributes.boolean("hasBias", false)) {
      bias_.emplace(spec, 2, "the bias");
      const auto& bias = bias_->desc();
      if (bias.dtype != DType::f32 || bias.shape != Dims{channels_} || !bias.is_contiguous())
        throw std::invalid_argument("the bias must be float32[" + std::to_string(channels_) + "], got " +
                                    bias.to_string());
    }
    if (constant_)
      packed_ = constant_->packed({"narrow, " + layout_key(weight), packed_bytes()},
                                  [&](void* into) { pack(constant_->data().get(), into); });
    stage(x, y);
  }

  void execute(const Buffers& buffers) override {
    if (!constant_) {
      packed_ = aligned_buffer(packed_bytes());
      pack(weight_.data(buffers), packed_.get());
    }
    const void* x = x_.data(buffers);
    if (gather_) {
      void* dense = ScratchLayout::at(buffers.scratchpad, x_offset_);
      gather_->execute(x, dense);
      x = dense;
    }
    void* y = scatter_ ? ScratchLayout::at(buffers.scratchpad, y_offset_) : buffers.outputs[0];
    const auto* bias = bias_ ? static_cast<const float*>(bias_->data(buffers)) : nullptr;
    constexpr int64_t block = kernels::kNarrowChannels;
    const int64_t blocks = (channels_ + block - 1) / block, chunks = (rows_ + kRows - 1) / kRows;
    kernels::parallel_for(blocks * chunks, rows_ * channels_ * terms_, [&](int64_t item) {
      const int64_t row = item / blocks * kRows;
      compute(static_cast<const float*>(x) + row * terms_, std::min(kRows, rows_ - row),
              item % blocks * block, bias, static_cast<float*>(y) + row * channels_);
    });
    if (scatter_) scatter_->execute(y, buffers.outputs[0]);
  }
  std::string implementation() const override {
    return std::string(gather_ ? "octavo:convert+" : "") + "octavo:" + dtype_name(weight_.desc().dtype) +
           "_weight" + (scatter_ ? "+octavo:convert" : "");
  }
  size_t scratchpad_bytes() const override { return scratch_.bytes(); }

 private:
  size_t packed_bytes() const {
    return static_cast<size_t>(kernels::narrow_elements(channels_, terms_)) *
           dtype_size(weight_.desc().dtype);
  }
  void pack(const void* weight, void* into) const {
    kernels::pack_narrow(dtype_size(weight_.desc().dtype), weight, channels_, terms_, into);
  }

  // Computation is in contiguous float32.
  void stage(const TensorDesc& x, const TensorDesc& y) {
    const TensorDesc dense_x{DType::f32, x.shape, row_major_strides(x.shape)};
    const TensorDesc dense_y{DType::f32, y.shape, row_major_strides(y.shape)};
    if (x.dtype != DType::f32 || !x.is_contiguous()) {
      gather_.emplace(x, dense_x, kernels::RowConversion::cast(x.dtype, DType::f32));
      x_offset_ = scratch_.reserve(dense_x.span_bytes());
    }
    if (y.dtype != DType::f32 || !y.is_contiguous()) {
      scatter_.emplace(dense_y, y, kernels::RowConversion::cast(DType::f32, y.dtype));
      y_offset_ = scratch_.reserve(dense_y.span_bytes());
    }
  }

  // Computes `rows` rows of one block's channels.
  void compute(const float* x, int64_t rows, int64_t channel, const float* bias, float* y) const {
    alignas(64) float sums[kRows * kernels::kNarrowChannels];
    const DType dtype = weight_.desc().dtype;
    const auto* block =
        static_cast<const char*>(packed_.get()) + channel * terms_ * static_cast<int64_t>(dtype_size(dtype));
    kernels::multiply_narrow(dtype, x, rows, terms_, block, sums);
    const int64_t count = std::min(kernels::kNarrowChannels, channels_ - channel);
    for (int64_t row = 0; row < rows; row++) {
      const float* sum = sums + row * kernels::kNarrowChannels;
      float* out = y + row * channels_ + channel;
      if (scales_.empty())
        std::copy(sum, sum + count, out);
      else
        kernels::multiply_rows(sum, scales_.data() + channel, out, count);
      if (bias) kernels::add_rows(out, bias + channel, out, count);
      function_.apply(out, count);
    }
  }

  InputValue x_, weight_;
  std::shared_ptr<Constant> constant_;  // keeps packed_ alive
  RowFunction function_;
  std::optional<InputValue> bias_;
  std::vector<float> scales_;
  std::shared_ptr<void> packed_;
  int64_t rows_ = 0, channels_ = 0, terms_ = 0;
  ScratchLayout scratch_;
  std::optional<StridedConversion> gather_, scatter_;
  size_t x_offset_ = 0, y_offset_ = 0;
};
}  // namespace

std::unique_ptr<Step> create_weight_only_linear(const StepSpec& spec) {
  return std::make_unique<WeightOnlyLinear>(spec);
}

}  // namespace octavo
