#include "steps/layers/exact/exact_layer.h"

#include <omp.h>

#include <algorithm>

#include "contract/input_value.h"
#include "contract/run_time_scale.h"
#include "kernels/parallel.h"
#include "onednn/version.h"
#include "operands/operand.h"
#include "operands/product_range.h"
#include "operands/stored_result.h"
#include "steps/layers/exact/accumulator_output.h"
#include "steps/layers/exact/window_products.h"
#include "steps/layers/images/division.h"

namespace octavo {

namespace {
// Windows whose sums are computed before they are stored: few enough for the second-level cache.
constexpr int64_t kWindows = 60;
constexpr int64_t kSumsStep = AccumulatorOutput::kMaxChannels + WindowProducts::kWidth;
// Bytes of widened rows per task: they stay in the thread's second-level cache.
constexpr int64_t kRowBytes = 160 * 1024;

// Reading a row costs about a quarter of a channel block's products.
constexpr double kRowCost = 0.25;

Division divide_rows(const WindowRows& rows, const TensorDesc& dst, int64_t blocks, int64_t threads) {
  int64_t most = dst.shape[2];
  while (most > 1 && rows.size(most) * 2 > kRowBytes) most--;
  return divide({dst.shape[0], dst.shape[2], blocks, threads, most, kRowCost, 0});
}

class ExactLayer : public Step {
 public:
  ExactLayer(const StepSpec& spec, LayerProblem problem, const FusedInputs& inputs,
             const onednn::Fusion& fusion)
      : inputs_(inputs),
        problem_(with_adjacent_channels(problem)),
        src_desc_(problem_.convolution.src),
        dst_desc_(problem_.convolution.dst),
        src_scale_(fusion.src_scale),
        src_zero_point_(static_cast<int16_t>(fusion.src_zero_point)),
        rows_(problem_.convolution),
        products_(problem_, rows_),
        output_(spec, fusion, problem_.weight.shape[0]),
        threads_(omp_get_max_threads()),
        division_(divide_rows(rows_, dst_desc_, static_cast<int64_t>(products_.blocks().size()), threads_)),
        src_(spec.inputs[0], problem.convolution.src, src_desc_, scratch_),
        dst_(problem.convolution.dst, dst_desc_, scratch_) {
    if (problem.addend) {
      addend_desc_ = problem_.addend;
      addend_.emplace(spec.inputs[inputs.addend], *problem.addend, *addend_desc_, scratch_);
    }
    if (inputs.bias >= 0) bias_.emplace(spec, inputs.bias, "the bias");
    if (inputs.scale >= 0) scale_.emplace(spec, inputs.scale, inputs.zero_point);
    if (const auto& constant = spec.inputs[1].constant) {
      packed_ = constant->packed(products_.form(problem_.weight), [&](void* into) {
        products_.pack(problem_.weight, constant->data().get(), into);
      });
    } else {
      weight_.emplace(spec, 1, "the weight");
      packed_offset_ = scratch_.reserve(products_.packed_bytes());
    }
    join_pixels();
    const size_t rows_bytes = (rows_.size(division_.rows) + WindowProducts::kReadsBehind) * sizeof(int16_t);
    for (int i = 0; i < threads_; i++) {
      rows_offsets_.push_back(scratch_.reserve(rows_bytes));
      sums_offsets_.push_back(scratch_.reserve(kWindows * kSumsStep * sizeof(int32_t)));
    }
  }

  void execute(const Buffers& buffers) override {
    void* scratchpad = buffers.scratchpad;
    if (scale_) {
      const auto [scale, zero_point] = scale_->read(buffers);
      src_scale_ = scale;
      src_zero_point_ = static_cast<int16_t>(zero_point);
    }
    output_.prepare(src_scale_, bias_ ? static_cast<const float*>(bias_->data(buffers)) : nullptr);
    const void* packed = packed_.get();
    if (!packed) {
      void* repacked = ScratchLayout::at(scratchpad, packed_offset_);
      products_.pack(problem_.weight, weight_->data(buffers), repacked);
      packed = repacked;
    }
    const char* addend = nullptr;
    if (addend_)
      addend = static_cast<const char*>(addend_->resolve(buffers.inputs[inputs_.addend], scratchpad));
    Run run{src_.resolve(buffers.inputs[0], scratchpad), packed, addend,
            static_cast<char*>(dst_.target(buffers.outputs[0], scratchpad)), scratchpad};
    // A core multiplies about as many pairs as it moves bytes, per unit of time.
    const int64_t work = dst_desc_.numel() * problem_.weight.numel() / problem_.weight.shape[0];
    kernels::parallel_for(division_.items(dst_desc_.shape[0]), work / 2,
                          [&](int64_t item) { compute(run, item); });
    dst_.finish(buffers.outputs[0], scratchpad);
  }

  std::string implementation() const override {
    return src_.prefix() + (addend_ ? addend_->prefix() : "") + "octavo:exact:" + kernels::product_isa() +
           dst_.suffix();
  }
  size_t scratchpad_bytes() const override { return scratch_.bytes(); }

 private:
  struct Run {
    const void* src;
    const void* packed;
    const char* addend;
    char* dst;
    void* scratchpad;
  };

  void compute(const Run& run, int64_t item) const {
    const int64_t part = item % division_.parts, band = item / division_.parts % division_.bands;
    const int64_t image = item / division_.parts / division_.bands;
    const auto blocks = static_cast<int64_t>(products_.blocks().size());
    const int64_t first = band * division_.rows, last = std::min(first + division_.rows, dst_desc_.shape[2]);
    const int thread = omp_get_thread_num();
    auto* rows = static_cast<int16_t*>(ScratchLayout::at(run.scratchpad, rows_offsets_[thread]));
    auto* sums = static_cast<int32_t*>(ScratchLayout::at(run.scratchpad, sums_offsets_[thread]));
    rows_.read(run.src, image, first, last, src_zero_point_, rows);
    const int64_t width = dst_desc_.shape[3], windows = (last - first) * width;
    // Equal shares, each a multiple of a kernel call.
    const int64_t shares = (windows + kWindows - 1) / kWindows;
    const int64_t even = (windows + shares - 1) / shares;
    const int64_t share = (even + kernels::kProductRows - 1) / kernels::kProductRows * kernels::kProductRows;
    int64_t row = 0, column = 0;
    for (int64_t begin = 0; begin < windows; begin += share) {
      const int64_t count = std::min(share, windows - begin);
      const int16_t* inputs[kWindows];
      int64_t dst_at[kWindows], addend_at[kWindows];
      for (int64_t w = 0; w < count; w++) {
        inputs[w] = rows + rows_.window_offset(row, column);
        dst_at[w] = pixel_offset(dst_desc_, image, first + row, column);
        if (run.addend) addend_at[w] = pixel_offset(*addend_desc_, image, first + row, column);
        if (++column == width) column = 0, row++;
      }
      constexpr int64_t kBlocks = AccumulatorOutput::kMaxChannels / WindowProducts::kWidth;
      const int64_t end = blocks * (part + 1) / division_.parts;
      for (int64_t block = blocks * part / division_.parts; block < end; block += kBlocks) {
        const int64_t stop = std::min(block + kBlocks, end);
        products_.multiply(run.packed, inputs, count, block, stop, sums, sums_step_);
        const int64_t channel = products_.blocks()[block].channel;
        const auto& final = products_.blocks()[stop - 1];
        const int64_t channels = final.channel + final.count - channel;
        for (int64_t w = 0; w < count; w += joined_) {
          const char* addend =
              run.addend ? run.addend + (addend_at[w] + channel) * element(*addend_desc_) : nullptr;
          output_.row(sums + w * sums_step_, channel, channels * std::min(joined_, count - w), addend,
                      run.dst + (dst_at[w] + channel) * element(dst_desc_));
        }
      }
    }
  }

  // Pixels of few channels are stored several at a time, if both their sums and their results are
  // contiguous.
  void join_pixels() {
    const int64_t channels = dst_desc_.shape[1];
    const bool dense = channels % WindowProducts::kWidth == 0 && products_.has_full_blocks() &&
                       division_.parts == 1 && has_adjacent_pixels(dst_desc_) &&
                       (!addend_desc_ || has_adjacent_pixels(*addend_desc_));
    if (!dense || channels > AccumulatorOutput::kMaxChannels / 2) return;
    joined_ = AccumulatorOutput::kMaxChannels / channels;
    sums_step_ = channels;
    output_.join_pixels(joined_);
  }

  static bool has_adjacent_pixels(const TensorDesc& image) {
    return has_dense_pixels(image) && pixel_step(image) == image.shape[1];
  }
  static int64_t element(const TensorDesc& desc) { return static_cast<int64_t>(dtype_size(desc.dtype)); }

  FusedInputs inputs_;
  LayerProblem problem_;
  TensorDesc src_desc_, dst_desc_;
  std::optional<TensorDesc> addend_desc_;
  float src_scale_;
  int16_t src_zero_point_;
  WindowRows rows_;
  WindowProducts products_;
  AccumulatorOutput output_;
  int threads_;
  Division division_;
  int64_t joined_ = 1, sums_step_ = kSumsStep;  // pixels stored at once; distance between their sums
  ScratchLayout scratch_;
  Operand src_;
  Result dst_;
  std::optional<Operand> addend_;
  std::optional<InputValue> weight_, bias_;
  std::optional<RunTimeScale> scale_;
  std::shared_ptr<void> packed_;  // set if the weight is constant
  size_t packed_offset_ = 0;
  std::vector<size_t> rows_offsets_, sums_offsets_;  // one per thread
};
}  // namespace

bool has_exact_layers(DType src) { return is_byte(src) && onednn::int8_sums_saturate(); }

std::optional<std::string> exact_layer_refusal(const StepSpec& spec) {
  const DType src = spec.inputs[0].desc.dtype;
  if (!is_byte(src)) return "is for 8-bit integers alone";
  if (!has_exact_layers(src)) return "oneDNN's sums do not saturate on this CPU";
  const bool has_bf16 = spec.outputs[0].dtype == DType::bf16 || spec.inputs.back().desc.dtype == DType::bf16;
  if (!has_bf16 && products_fit_16_bits(spec)) return "oneDNN's sums are exact: two products fit 16 bits";
  return std::nullopt;
}

std::unique_ptr<Step> create_exact_layer(const StepSpec& spec, LayerProblem problem,
                                         const FusedInputs& inputs, const onednn::Fusion& fusion) {
  return std::make_unique<ExactLayer>(spec, std::move(problem), inputs, fusion);
}

}  // namespace octavo
