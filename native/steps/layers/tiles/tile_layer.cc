#include "steps/layers/tiles/tile_layer.h"

#include <omp.h>

#include <algorithm>

#include "contract/input_value.h"
#include "contract/run_time_scale.h"
#include "kernels/parallel.h"
#include "kernels/tiles/tile_product.h"
#include "onednn/version.h"
#include "operands/epilogue_numbers.h"
#include "operands/operand.h"
#include "operands/stored_result.h"
#include "operands/weight_sums.h"
#include "steps/layers/images/division.h"
#include "steps/layers/tiles/tile_task.h"
#include "weights/aligned_buffer.h"

namespace octavo {

namespace {
using kernels::TileUnit;
constexpr int64_t kGroup = TileTask::kGroup, kChannels = kernels::kBlockChannels;
// The bytes of a task's copied rows: half of a second-level cache of 1 MiB, beside weights and results.
constexpr int64_t kMostCopied = 512 * 1024;
// A tile multiplies 16 KiB of products while the third-level cache brings 80 bytes of weights (measured on a
// Granite Rapids): reading a block's weights takes as long as this many groups of positions.
constexpr double kWeightsCost = 6;
// VNNI multiplies a quarter as fast.
constexpr double kWeightsCostOfVnni = kWeightsCost / 4;
// Copying a row, in the time that a block of channels takes for it.
constexpr double kCopyCost = 0.25;

// Windows with strides that fill less than this part of their tiles are left to oneDNN, whose kernels for few
// channels are then up to twice as fast (3 channels, 3x3 and 11x11; Granite Rapids). Those kernels are slower
// again with functions that are no lines.
constexpr int64_t kLeastFilling = 4;

TileUnit tile_unit() { return onednn::has_amx() ? TileUnit::amx : TileUnit::vnni; }

// VNNI takes signed bytes for unsigned ones, so much larger.
constexpr int32_t kSignedShift = 128;

// Channels of a block of sums in the order of the epilogue: whole blocks as unpacking leaves them, the last
// few in their own.
ChannelOrder channel_order(int64_t channels) {
  std::vector<int32_t> order;
  order.reserve(static_cast<size_t>(channels + kChannels));
  for (int64_t block = 0; block < channels; block += kChannels)
    for (int64_t i = 0; i < kChannels; i++) {
      const bool whole = block + kChannels <= channels;
      const int64_t channel = block + (whole ? kernels::block_channel(i) : i);
      order.push_back(channel < channels ? static_cast<int32_t>(channel) : -1);
    }
  return std::make_shared<const std::vector<int32_t>>(std::move(order));
}

class TileLayer : public Step {
 public:
  TileLayer(const StepSpec& spec, const LayerProblem& given, const LayerProblem& problem,
            const FusedInputs& inputs, const onednn::Fusion& fusion)
      : inputs_(inputs),
        src_desc_(problem.convolution.src),
        dst_desc_(problem.convolution.dst),
        unit_(tile_unit()),
        zero_point_(fusion.src_zero_point),
        order_(channel_order(problem.weight.shape[0])),
        source_(make_tile_source(
            problem.convolution,
            has_dense_pixels(dst_desc_) && (!problem.addend || has_dense_pixels(*problem.addend)))),
        weight_desc_(row_major(problem.weight)),
        weights_(weight_desc_, order_, *source_),
        numbers_(fusion, dst_desc_.dtype, order_),
        store_(kernels::store_sums(numbers_.epilogue().function, numbers_.epilogue().added,
                                   is_byte(dst_desc_.dtype))),
        threads_(omp_get_max_threads()),
        division_(divide_work()),
        offsets_(source_->step_offsets(division_.rows)),
        src_(spec.inputs[0], given.convolution.src, src_desc_, scratch_),
        dst_(given.convolution.dst, dst_desc_, scratch_),
        initial_(aligned_buffer(order_->size() * sizeof(int32_t))) {
    if (problem.addend) {
      addend_desc_ = *problem.addend;
      addend_.emplace(spec.inputs[inputs.addend], *given.addend, addend_desc_, scratch_);
    }
    const auto& weight = spec.inputs[1];
    if (weight.constant) {
      packed_ = weight.constant->packed(
          weights_.form(), [&](void* into) { weights_.pack(weight.constant->data().get(), into); });
    } else {
      weight_.emplace(weight, problem.weight, weight_desc_, scratch_);
      packed_offset_ = scratch_.reserve(weights_.form().bytes);
    }
    if (inputs.scale >= 0) scale_.emplace(spec, inputs.scale, inputs.zero_point);
    if (inputs.bias >= 0) bias_.emplace(spec, inputs.bias, "the bias");
    if (!bias_ || bias_->is_constant()) numbers_.set_bias(bias_ ? bias_data({}) : nullptr);
    if (weight.constant && (scale_ || excess() != 0)) weight_sums_ = shared_weight_sums(weight);
    if (weight.constant) set_initial();
    for (int i = 0; i < threads_; i++) {
      sums_offsets_.push_back(scratch_.reserve(TileTask::kSumsBytes));
      if (!source_->is_in_place())
        copy_offsets_.push_back(scratch_.reserve(static_cast<size_t>(source_->copy_bytes(division_.rows))));
    }
  }

  void execute(const Buffers& buffers) override {
    void* scratchpad = buffers.scratchpad;
    if (scale_) {
      const auto [scale, zero_point] = scale_->read(buffers);
      numbers_.set_source_scale(scale);
      zero_point_ = zero_point;
    }
    const void* packed = packed_.get();
    if (weight_) packed = pack(buffers);
    if (weight_ || scale_) set_initial();
    if (bias_ && !bias_->is_constant()) numbers_.set_bias(bias_data(buffers));
    const auto* addend = addend_ ? addend_->resolve(buffers.inputs[inputs_.addend], scratchpad) : nullptr;
    const auto* src = static_cast<const uint8_t*>(src_.resolve(buffers.inputs[0], scratchpad));
    const TileRun run{unit_,
                      *source_,
                      offsets_,
                      weights_,
                      dst_desc_,
                      addend_desc_,
                      src_desc_.dtype == DType::s8,
                      static_cast<const int8_t*>(packed),
                      static_cast<const int32_t*>(initial_.get()),
                      numbers_.epilogue(),
                      store_,
                      static_cast<const char*>(addend),
                      static_cast<char*>(dst_.target(buffers.outputs[0], scratchpad))};
    // A core multiplies some 16 bytes of weights by a row, 4 with VNNI, in the time in which it moves one
    // byte.
    const int64_t at_once = unit_ == TileUnit::amx ? 16 : 4;
    const int64_t work =
        dst_desc_.numel() * (2 + static_cast<int64_t>(offsets_.size()) * source_->step_bytes() / at_once);
    kernels::parallel_for(division_.items(images()), work,
                          [&](int64_t item) { compute(run, src, scratchpad, item); });
    dst_.finish(buffers.outputs[0], scratchpad);
  }

  std::string implementation() const override {
    return src_.prefix() + (weight_ ? weight_->prefix() : "") + (addend_ ? addend_->prefix() : "") +
           tile_layer_name() + ":" + source_->name() + dst_.suffix();
  }
  size_t scratchpad_bytes() const override { return scratch_.bytes(); }

 private:
  // In place, the pixels of all images are one, and its rows as many as are multiplied at once.
  int64_t images() const { return source_->is_in_place() ? 1 : dst_desc_.shape[0]; }
  int64_t height() const {
    return source_->is_in_place() ? (source_->width() + row() - 1) / row() : dst_desc_.shape[2];
  }
  int64_t row() const {
    if (!source_->is_in_place()) return source_->width();
    return unit_ == TileUnit::amx ? kGroup : kernels::kRowsOfVnni;
  }
  TileTask::Range band_of_pixels(int64_t band) const {
    const int64_t pixels = source_->width(), rows = division_.rows * row();
    if (unit_ == TileUnit::amx) return {band * rows, std::min((band + 1) * rows, pixels)};
    // Without whole tiles, bands of equal size.
    return {pixels * band / division_.bands, pixels * (band + 1) / division_.bands};
  }

  Division divide_work() const {
    const int64_t height = this->height();
    int64_t most = height;
    while (!source_->is_in_place() && most > 1 && source_->copy_bytes(most) > kMostCopied) most--;
    // What a row costs in groups of kGroup positions.
    const double groups = static_cast<double>(row()) / kGroup;
    const double copy = source_->is_in_place() ? 0 : kCopyCost;
    const double weights = unit_ == TileUnit::amx ? kWeightsCost : kWeightsCostOfVnni;
    // Threads that share pixels take them from each other's caches in the next layer: only where weights are
    // more than pixels do they share those.
    const bool may_part = weights_.form().bytes > src_desc_.span_bytes() + dst_desc_.span_bytes();
    return divide(
        {images(), height, may_part ? weights_.blocks() : 1, threads_, most, copy, weights / groups});
  }

  const float* bias_data(const Buffers& buffers) const {
    return static_cast<const float*>(bias_->data(buffers));
  }

  // A weight that is known only now.
  const void* pack(const Buffers& buffers) {
    const void* weight = weight_->resolve(buffers.inputs[1], buffers.scratchpad);
    if (excess() != 0) {
      sums_of_run_ = weight_sums(weight_desc_, weight);
      weight_sums_ = {std::shared_ptr<void>(), sums_of_run_.data()};
    }
    void* packed = ScratchLayout::at(buffers.scratchpad, packed_offset_);
    weights_.pack(weight, packed);
    return packed;
  }

  // What the kernel reads for a source of 0.
  int32_t excess() const {
    const bool is_shifted = unit_ == TileUnit::vnni && src_desc_.dtype == DType::s8;
    return zero_point_ + (is_shifted ? kSignedShift : 0);
  }

  // Sums begin with what that adds to them.
  void set_initial() {
    auto* initial = static_cast<int32_t*>(initial_.get());
    const int32_t excess = this->excess();
    for (size_t i = 0; i < order_->size(); i++) {
      const int32_t channel = (*order_)[i];
      initial[i] = excess == 0 || channel < 0 ? 0 : -excess * weight_sums_.get()[channel];
    }
  }

  void compute(const TileRun& run, const uint8_t* src, void* scratchpad, int64_t item) const {
    const int64_t part = item % division_.parts, band = item / division_.parts % division_.bands;
    const int64_t image = item / division_.parts / division_.bands, blocks = weights_.blocks();
    const TileTask::Range part_blocks{blocks * part / division_.parts, blocks * (part + 1) / division_.parts};
    const int thread = omp_get_thread_num();
    auto* sums = static_cast<int32_t*>(ScratchLayout::at(scratchpad, sums_offsets_[thread]));
    if (source_->is_in_place())
      return TileTask(run, src, 0, 0, band_of_pixels(band), sums).compute(part_blocks);
    const int64_t first = band * division_.rows, last = std::min(first + division_.rows, height());
    auto* copied = static_cast<uint8_t*>(ScratchLayout::at(scratchpad, copy_offsets_[thread]));
    source_->copy(src, image, first, last, division_.rows, static_cast<uint8_t>(zero_point_), copied);
    TileTask(run, copied, image, first, {0, (last - first) * source_->width()}, sums).compute(part_blocks);
  }

  FusedInputs inputs_;
  TensorDesc src_desc_, dst_desc_, addend_desc_;
  TileUnit unit_;
  int32_t zero_point_;
  ChannelOrder order_;
  std::unique_ptr<TileSource> source_;
  TensorDesc weight_desc_;
  TileWeights weights_;
  EpilogueNumbers numbers_;
  kernels::StoreSums store_;
  int threads_;
  Division division_;
  std::vector<int64_t> offsets_;
  ScratchLayout scratch_;
  Operand src_;
  Result dst_;
  std::optional<Operand> addend_, weight_;  // the weight if it is not constant
  std::optional<InputValue> bias_;
  std::optional<RunTimeScale> scale_;
  std::shared_ptr<const int32_t> weight_sums_;  // set where a zero point needs them
  std::vector<int32_t> sums_of_run_;            // of a weight that is not constant
  std::shared_ptr<void> packed_;                // set if the weight is constant
  size_t packed_offset_ = 0;
  std::shared_ptr<void> initial_;  // int32, in whole cache lines: tiles load them row by row
  std::vector<size_t> sums_offsets_, copy_offsets_;  // one per thread
};

// The terms that tiles multiply for a window.
int64_t tile_terms(const LayerProblem& problem) {
  const auto source = make_tile_source(with_adjacent_channels(problem).convolution, true);
  return static_cast<int64_t>(source->steps().size()) * kernels::kTileBytes;
}
}  // namespace

std::string tile_layer_name() { return tile_unit() == TileUnit::amx ? "octavo:tiles" : "octavo:vnni"; }

Refusal tile_layer_refusal(const StepSpec& spec, const LayerProblem& problem, const onednn::Fusion& fusion) {
  if (!is_byte(problem.convolution.src.dtype)) return "is for 8-bit integers alone";
  if (!onednn::has_amx() && !onednn::has_avx512_vnni())
    return "the CPU has neither AMX nor AVX-512 VNNI, or oneDNN is held to less";
  if (problem.groups != 1) return "is not for groups";
  if (spec.inputs[1].constant && !has_weight_sums(spec.inputs[1])) return "the weight's rows have gaps";
  const int64_t terms = problem.weight.numel() / problem.weight.shape[0];
  const bool is_line = !fusion.unary || EpilogueNumbers::is_line(*fusion.unary);
  const auto& stride = problem.convolution.stride;
  const bool has_strides = std::any_of(stride.begin(), stride.end(), [](int64_t s) { return s > 1; });
  if (is_line && has_strides && terms * kLeastFilling < tile_terms(problem))
    return "the windows' bytes fill a small part of the tiles";
  return EpilogueNumbers::refusal(fusion, problem.convolution.dst.dtype, terms * 255 * 128);
}

std::unique_ptr<Step> create_tile_layer(const StepSpec& spec, LayerProblem problem, const FusedInputs& inputs,
                                        const onednn::Fusion& fusion) {
  const auto wanted = with_adjacent_channels(problem);
  return std::make_unique<TileLayer>(spec, problem, wanted, inputs, fusion);
}

}  // namespace octavo
