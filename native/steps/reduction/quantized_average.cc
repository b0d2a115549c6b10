// The average over each channel of an image whose float values are rounded to 8-bit integers first: quantize
// and global average pooling in one reading, where the float image is needed elsewhere.
#include <algorithm>
#include <optional>
#include <stdexcept>

#include "contract/input_value.h"
#include "contract/parameters.h"
#include "contract/scratch.h"
#include "contract/table.h"
#include "kernels/arithmetic.h"
#include "kernels/parallel.h"
#include "kernels/reduction.h"
#include "rows/strided.h"

namespace octavo {

namespace {
constexpr int64_t kPart = 32 * 1024;  // values a thread sums at a time

DType eight_bits(DType dtype) {
  if (dtype != DType::u8 && dtype != DType::s8)
    throw std::invalid_argument(std::string("the output must be uint8 or int8, got ") + dtype_name(dtype));
  return dtype;
}

class QuantizedAverage : public Step {
 public:
  explicit QuantizedAverage(const StepSpec& spec)
      : x_(spec, 0, "the image"),
        y_(spec.outputs.at(0)),
        affine_(affine_attributes(spec.attributes, "scale", "zeroPoint")),
        range_(range_attributes(spec.attributes, eight_bits(y_.dtype))) {
    const auto& x = x_.desc();
    if ((x.dtype != DType::f32 && x.dtype != DType::bf16) || x.shape.size() != 4)
      throw std::invalid_argument("the input must be float32[N, C, H, W] or bfloat16, got " + x.to_string());
    batch_ = x.shape[0], channels_ = x.shape[1], pixels_ = x.shape[2] * x.shape[3];
    if (y_.shape != Dims{batch_, channels_, 1, 1} || (channels_ > 1 && y_.strides[1] != 1))
      throw std::invalid_argument("the output must be [N, C, 1, 1] with channels side by side, got " +
                                  y_.to_string());
    if (pixels_ == 0 && y_.numel() > 0) throw std::invalid_argument("there is nothing to average");
    if (y_.numel() == 0) return;
    const int64_t row = x.shape[3] * channels_;
    const TensorDesc dense{DType::f32, x.shape, {x.shape[2] * row, 1, row, channels_}};
    const LoopNest nest(x.shape, {dense.strides, x.strides});
    if (x.dtype != DType::f32 || nest.extents.size() > 1 || nest.strides[1][0] != 1) {
      to_channels_last_.emplace(x, dense, kernels::RowConversion::cast(x.dtype, DType::f32));
      staged_ = scratch_.reserve(dense.span_bytes());
    }
    part_pixels_ = std::max<int64_t>(kPart / channels_, 1);
    parts_ = (pixels_ + part_pixels_ - 1) / part_pixels_;
    sums_stride_ = (channels_ + 15) / 16 * 16;
    sums_ = scratch_.reserve(batch_ * parts_ * sums_stride_ * sizeof(float));
  }

  void execute(const Buffers& buffers) override {
    if (y_.numel() == 0) return;
    const void* given = x_.data(buffers);
    if (to_channels_last_) {
      void* staged = ScratchLayout::at(buffers.scratchpad, staged_);
      to_channels_last_->execute(given, staged);
      given = staged;
    }
    const auto* x = static_cast<const float*>(given);
    auto* sums = static_cast<float*>(ScratchLayout::at(buffers.scratchpad, sums_));
    const int64_t bytes = batch_ * channels_ * pixels_ * static_cast<int64_t>(sizeof(float));
    kernels::parallel_for(batch_ * parts_, bytes, [&](int64_t item) {
      const int64_t begin = item % parts_ * part_pixels_;
      float* sum = sums + item * sums_stride_;
      std::fill(sum, sum + channels_, 0.0f);
      kernels::accumulate_quantized_rows(x + (item / parts_ * pixels_ + begin) * channels_, channels_,
                                         std::min(part_pixels_, pixels_ - begin), sum, channels_, affine_,
                                         range_);
    });
    for (int64_t image = 0; image < batch_; image++)
      finish(sums + image * parts_ * sums_stride_,
             static_cast<char*>(buffers.outputs[0]) + image * y_.strides[0]);
  }

  std::string implementation() const override {
    return to_channels_last_ ? "octavo:quantized_average+copy" : "octavo:quantized_average";
  }
  size_t scratchpad_bytes() const override { return scratch_.bytes(); }

 private:
  void finish(float* sums, char* y) const {
    for (int64_t part = 1; part < parts_; part++)
      kernels::add_rows(sums, sums + part * sums_stride_, sums, channels_);
    const auto zero_point = static_cast<float>(affine_.zero_point);
    const float removed = static_cast<float>(pixels_) * zero_point;
    for (int64_t c = 0; c < channels_; c++) sums[c] = (sums[c] - removed) / static_cast<float>(pixels_);
    kernels::store_row(y_.dtype, sums, y, channels_, 1, zero_point, range_);
  }

  InputValue x_;
  TensorDesc y_;
  kernels::Affine affine_;
  kernels::QuantRange range_;
  int64_t batch_, channels_, pixels_;
  std::optional<StridedConversion> to_channels_last_;
  ScratchLayout scratch_;
  size_t staged_ = 0, sums_ = 0;
  int64_t part_pixels_ = 1, parts_ = 1, sums_stride_ = 0;
};
}  // namespace

std::unique_ptr<Step> create_quantized_average(const StepSpec& spec) {
  return std::make_unique<QuantizedAverage>(spec);
}

}  // namespace octavo
