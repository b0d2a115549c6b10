#include "steps/reduction/loop_pool.h"

#include <omp.h>

#include <algorithm>
#include <optional>

#include "contract/input_value.h"
#include "contract/scratch.h"
#include "kernels/parallel.h"
#include "kernels/reduction.h"
#include "rows/strided.h"
#include "steps/reduction/window_maxima.h"

namespace octavo {

namespace {
// [N, C, L] seen as [N, C, 1, L].
TensorDesc as_image(TensorDesc desc) {
  if (desc.shape.size() == 3) {
    desc.shape.insert(desc.shape.begin() + 2, 1);
    desc.strides.insert(desc.strides.begin() + 2, 0);
  }
  return desc;
}

// Vectors run along channels. Images in another memory format are copied to channels-last in the scratchpad.
class LoopPool : public Step {
 public:
  LoopPool(const StepSpec& spec, const PoolProblem& problem)
      : x_(spec, 0, "the tensor"), p_(problem), src_(as_image(problem.src)), dst_(as_image(problem.dst)) {
    if (p_.axes.size() == 1) p_.axes.insert(p_.axes.begin(), PoolAxis{1, 1, 1, 1, 0, 0, 1});
    if (src_.strides[1] != 1 && src_.shape[1] > 1) src_offset_ = stage(src_, to_channels_last_, true);
    if (dst_.strides[1] != 1 && dst_.shape[1] > 1) dst_offset_ = stage(dst_, from_channels_last_, false);
    if (WindowMaxima::takes(p_)) {
      maxima_.emplace(src_, dst_, p_.axes[0], p_.axes[1]);
      const size_t bytes = maxima_->scratch_bytes(std::min(kChannels, dst_.shape[1]));
      for (int i = 0; i < omp_get_max_threads(); i++) maxima_offsets_.push_back(scratch_.reserve(bytes));
    }
  }

  void execute(const Buffers& buffers) override {
    const char* src = static_cast<const char*>(x_.data(buffers));
    char* dst = static_cast<char*>(buffers.outputs[0]);
    if (to_channels_last_) {
      void* staged = ScratchLayout::at(buffers.scratchpad, src_offset_);
      to_channels_last_->execute(src, staged);
      src = static_cast<const char*>(staged);
    }
    if (!from_channels_last_) return pool(src, dst, buffers.scratchpad);
    auto* pooled = static_cast<char*>(ScratchLayout::at(buffers.scratchpad, dst_offset_));
    pool(src, pooled, buffers.scratchpad);
    from_channels_last_->execute(pooled, dst);
  }

  std::string implementation() const override {
    return to_channels_last_ || from_channels_last_ ? "octavo:pool+copy" : "octavo:pool";
  }
  size_t scratchpad_bytes() const override { return scratch_.bytes(); }

 private:
  static constexpr int64_t kChannels = 256;  // a block of channels whose sums stay in the first-level cache

  // Reserves a channels-last copy of the image in the scratchpad, and makes the conversion to it or from it.
  size_t stage(TensorDesc& desc, std::optional<StridedConversion>& copy, bool into_scratch) {
    const TensorDesc staged = channels_last(desc);
    const auto move = kernels::RowConversion::move(desc.dtype);
    if (into_scratch)
      copy.emplace(desc, staged, move);
    else
      copy.emplace(staged, desc, move);
    desc = staged;
    return scratch_.reserve(staged.span_bytes());
  }

  void pool(const char* src, char* dst, void* scratchpad) const {
    const int64_t height = dst_.shape[2], width = dst_.shape[3], channels = dst_.shape[1];
    const int64_t blocks = (channels + kChannels - 1) / kChannels;
    const int64_t bytes = static_cast<int64_t>(src_.span_bytes() + dst_.span_bytes());
    kernels::parallel_for(dst_.shape[0] * height * blocks, bytes, [&](int64_t item) {
      const int64_t begin = item % blocks * kChannels;
      const int64_t row = item / blocks % height, image = item / blocks / height;
      const char* in = src + (image * src_.strides[0] + begin) * size(src_);
      char* out = dst + (image * dst_.strides[0] + row * dst_.strides[2] + begin) * size(dst_);
      const int64_t count = std::min(kChannels, channels - begin);
      if (maxima_) {
        void* scratch = ScratchLayout::at(scratchpad, maxima_offsets_[omp_get_thread_num()]);
        return maxima_->row(in, out, row, count, scratch);
      }
      for (int64_t column = 0; column < width; column++)
        position(in, out + column * dst_.strides[3] * size(dst_), row, column, count);
    });
  }

  // An average.
  void position(const char* src, char* dst, int64_t row, int64_t column, int64_t channels) const {
    const bool adaptive = p_.algorithm == PoolAlgorithm::avg_adaptive;
    const PoolWindow y = adaptive ? p_.axes[0].adaptive_window(row) : p_.axes[0].window(row);
    const PoolWindow x = adaptive ? p_.axes[1].adaptive_window(column) : p_.axes[1].window(column);
    const auto at = [&](int64_t i, int64_t j) {
      return src + (i * src_.strides[2] + j * src_.strides[3]) * size(src_);
    };
    alignas(64) float sums[kChannels];
    std::fill(sums, sums + channels, 0.0f);
    int64_t inside = 0;
    for (int64_t i = y.begin; i < y.end; i += y.step)
      for (int64_t j = x.begin; j < x.end; j += x.step, inside++)
        kernels::accumulate_row(src_.dtype, at(i, j), sums, channels);
    const int64_t counted =
        p_.algorithm == PoolAlgorithm::avg_include_padding ? y.counted * x.counted : inside;
    const double divisor = p_.divisor != 0 ? p_.divisor : static_cast<double>(counted);
    const float factor = static_cast<float>(p_.source.scale / p_.target.scale / divisor);
    const bool stored_as_float = dst_.dtype == DType::f32 || dst_.dtype == DType::bf16;
    const float removed = static_cast<float>(inside * p_.source.zero_point);
    for (int64_t c = 0; c < channels; c++) sums[c] = (sums[c] - removed) * factor;
    kernels::store_row(dst_.dtype, sums, dst, channels, 1, static_cast<float>(p_.target.zero_point),
                       stored_as_float ? kernels::QuantRange{0, 0} : kernels::full_range(dst_.dtype));
  }

  static int64_t size(const TensorDesc& desc) { return static_cast<int64_t>(dtype_size(desc.dtype)); }

  InputValue x_;
  PoolProblem p_;
  TensorDesc src_, dst_;
  std::optional<StridedConversion> to_channels_last_, from_channels_last_;
  std::optional<WindowMaxima> maxima_;
  ScratchLayout scratch_;
  size_t src_offset_ = 0, dst_offset_ = 0;
  std::vector<size_t> maxima_offsets_;  // one per thread
};
}  // namespace

std::unique_ptr<Step> create_loop_pool(const StepSpec& spec, const PoolProblem& problem) {
  return std::make_unique<LoopPool>(spec, problem);
}

}  // namespace octavo
