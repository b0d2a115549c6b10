#include "steps/layers/depthwise_layer.h"

#include <algorithm>

#include "contract/input_value.h"
#include "kernels/parallel.h"
#include "kernels/vnni/depthwise.h"
#include "onednn/version.h"
#include "operands/epilogue_numbers.h"
#include "operands/operand.h"
#include "operands/stored_result.h"

namespace octavo {

namespace {
using kernels::DepthwiseBlock;
using kernels::DepthwiseWindow;

DepthwiseWindow window_of(const Convolution& c) {
  const auto &kernel = c.weight.shape, &stride = c.problem.stride, &dilation = c.problem.dilation;
  // One row has no neighbour to be apart from.
  return {{kernel[2], stride[0], kernel[2] == 1 ? 1 : dilation[0]},
          {kernel[3], stride[1], dilation[1]},
          {c.problem.src.shape[3], c.problem.padding_begin[1], c.problem.dst.shape[3]}};
}

std::vector<DepthwiseBlock> blocks_of(int64_t channels) {
  std::vector<DepthwiseBlock> blocks;
  for (int64_t first = 0; first < channels; first += kernels::kBlockChannels)
    blocks.emplace_back(first, channels);
  return blocks;
}

// The channel at each position of all blocks.
ChannelOrder order_of(const std::vector<DepthwiseBlock>& blocks) {
  std::vector<int32_t> channels;
  for (const auto& block : blocks)
    for (int64_t position = 0; position < kernels::kBlockChannels; position++)
      channels.push_back(static_cast<int32_t>(block.channel(position)));
  return std::make_shared<const std::vector<int32_t>>(std::move(channels));
}

int64_t element(const TensorDesc& desc) { return static_cast<int64_t>(dtype_size(desc.dtype)); }

class DepthwiseLayer : public Step {
 public:
  DepthwiseLayer(const StepSpec& spec, const Convolution& c, const FusedInputs& inputs,
                 const onednn::Fusion& fusion)
      : inputs_(inputs),
        problem_(c.problem),
        weight_desc_(c.weight),
        src_desc_(with_adjacent_channels(c.src)),
        dst_desc_(with_adjacent_channels(c.dst)),
        window_(window_of(c)),
        blocks_(blocks_of(c.weight.shape[0])),
        numbers_(fusion, c.dst.dtype, order_of(blocks_)),
        pass_(kernels::depthwise_pass(numbers_.epilogue(), c.dst.dtype == DType::f32)),
        src_(spec.inputs[0], c.src, src_desc_, scratch_),
        dst_(c.dst, dst_desc_, scratch_) {
    const uint8_t flip = src_desc_.dtype == DType::s8 ? 0x80 : 0;
    image_ = {src_desc_.strides[3], dst_desc_.strides[3] * element(dst_desc_), 0,
              static_cast<uint8_t>(fusion.src_zero_point + flip), flip};
    if (inputs.addend >= 0) {
      const TensorDesc given = as_image(spec.inputs[inputs.addend].desc, spec.outputs[0].shape.size());
      addend_desc_ = with_adjacent_channels(given);
      addend_.emplace(spec.inputs[inputs.addend], given, *addend_desc_, scratch_);
      image_.addend_step = addend_desc_->strides[3] * element(*addend_desc_);
    }
    if (inputs.bias >= 0) bias_.emplace(spec, inputs.bias, "the bias");
    if (!bias_ || bias_->is_constant())
      numbers_.set_bias(bias_ ? static_cast<const float*>(bias_->data({})) : nullptr);
    passes_ = (dst_desc_.shape[2] + window_.results - 1) / window_.results;
    pack(spec);
  }

  void execute(const Buffers& buffers) override {
    void* scratchpad = buffers.scratchpad;
    if (bias_ && !bias_->is_constant()) numbers_.set_bias(static_cast<const float*>(bias_->data(buffers)));
    Run run{};
    run.packed = static_cast<const uint8_t*>(packed_.get());
    if (!run.packed) {
      auto* packed = static_cast<uint8_t*>(ScratchLayout::at(scratchpad, packed_offset_));
      pack_blocks(weight_->resolve(buffers.inputs[1], scratchpad), packed);
      run.packed = packed;
    }
    run.src = static_cast<const uint8_t*>(src_.resolve(buffers.inputs[0], scratchpad));
    if (addend_)
      run.addend = static_cast<const uint8_t*>(addend_->resolve(buffers.inputs[inputs_.addend], scratchpad));
    run.dst = static_cast<uint8_t*>(dst_.target(buffers.outputs[0], scratchpad));
    // The last block may compute several passes at once. The other blocks compute as many one by one.
    const int64_t band = blocks_.back().sections, passes = dst_desc_.shape[0] * passes_;
    const auto blocks = static_cast<int64_t>(blocks_.size());
    const int64_t bands = (passes + band - 1) / band;
    kernels::parallel_for(bands * blocks, dst_desc_.numel() * window_.rows.kernel * window_.columns.kernel,
                          [&](int64_t item) {
                            const int64_t first = item / blocks * band, block = item % blocks;
                            const int64_t end = std::min(first + band, passes);
                            for (int64_t p = first; p < end; p += blocks_[block].sections)
                              compute(run, block, p, end);
                          });
    dst_.finish(buffers.outputs[0], scratchpad);
  }

  std::string implementation() const override {
    return src_.prefix() + (weight_ ? weight_->prefix() : "") + (addend_ ? addend_->prefix() : "") +
           "octavo:depthwise:avx512_vnni" + dst_.suffix();
  }
  size_t scratchpad_bytes() const override { return scratch_.bytes(); }

 private:
  struct Run {
    const uint8_t* packed;
    const uint8_t* src;
    const uint8_t* addend;
    uint8_t* dst;
  };

  void pack(const StepSpec& spec) {
    const size_t bytes = blocks_.size() * window_.packed_bytes();
    if (const auto& constant = spec.inputs[1].constant) {
      const std::string key =
          "depthwise " + layout_key(weight_desc_) + " in " + std::to_string(window_.results) + " rows " +
          std::to_string(window_.rows.stride) + " apart, zero point " + std::to_string(image_.zero_point);
      packed_ = constant->packed({key, bytes}, [&](void* into) {
        pack_blocks(constant->data().get(), static_cast<uint8_t*>(into));
      });
    } else {
      weight_.emplace(spec.inputs[1], weight_desc_, row_major(weight_desc_), scratch_);
      packed_offset_ = scratch_.reserve(bytes);
    }
  }

  void pack_blocks(const void* weights, uint8_t* packed) const {
    for (const auto& block : blocks_) {
      kernels::pack_depthwise(window_, block, static_cast<const int8_t*>(weights), image_.zero_point, packed);
      packed += window_.packed_bytes();
    }
  }

  // Passes `first` to `end`, at most as many as the block has sections.
  void compute(const Run& run, int64_t block_index, int64_t first, int64_t end) const {
    const auto& block = blocks_[block_index];
    kernels::DepthwiseRows rows{};
    for (int64_t s = 0; s < block.sections && first + s < end; s++) {
      const int64_t n = (first + s) / passes_, y = (first + s) % passes_ * window_.results;
      const int64_t top = y * window_.rows.stride - problem_.padding_begin[0];
      for (int64_t i = 0; i < window_.source_rows; i++) {
        const int64_t row = top + i * window_.rows.dilation;
        if (row < 0 || row >= src_desc_.shape[2]) continue;
        rows.source[s][i] = run.src + block.first + n * src_desc_.strides[0] + row * src_desc_.strides[2];
      }
      for (int64_t r = 0; r < window_.results && y + r < dst_desc_.shape[2]; r++) {
        const auto place = [&](const TensorDesc& desc) {
          return (block.first + n * desc.strides[0] + (y + r) * desc.strides[2]) * element(desc);
        };
        rows.results[s][r] = run.dst + place(dst_desc_);
        if (run.addend) rows.addends[s][r] = run.addend + place(*addend_desc_);
      }
    }
    pass_(window_, block, image_, rows, run.packed + block_index * window_.packed_bytes(),
          numbers_.epilogue(), block_index * kernels::kBlockChannels);
  }

  FusedInputs inputs_;
  onednn::ConvolutionProblem problem_;
  TensorDesc weight_desc_, src_desc_, dst_desc_;
  std::optional<TensorDesc> addend_desc_;
  DepthwiseWindow window_;
  std::vector<DepthwiseBlock> blocks_;
  EpilogueNumbers numbers_;
  kernels::DepthwisePass pass_;
  kernels::DepthwiseImage image_;
  int64_t passes_;  // of an image
  ScratchLayout scratch_;
  Operand src_;
  Result dst_;
  std::optional<Operand> addend_, weight_;  // the weight if it is not constant
  std::optional<InputValue> bias_;
  std::shared_ptr<void> packed_;  // set if the weight is constant
  size_t packed_offset_ = 0;
};
}  // namespace

std::optional<std::string> depthwise_layer_refusal(const Convolution& c, const onednn::Fusion& fusion) {
  if (!is_byte(c.problem.src.dtype)) return "is for 8-bit integers alone";
  if (c.groups < 2 || c.groups != c.problem.src.shape[1] || c.groups != c.weight.shape[0])
    return "is for one output channel and one input channel a group";
  if (!onednn::has_avx512_vnni()) return "needs VNNI of AVX-512";
  const auto& wanted = c.problem.kernel;
  if (!wanted.empty() && wanted.find("octavo:depthwise") == std::string::npos)
    return wanted + " was asked for";
  if (window_of(c).part == 0) return "the window is too large";
  const int64_t taps = c.weight.shape[2] * c.weight.shape[3];
  return EpilogueNumbers::refusal(fusion, c.dst.dtype, taps * 255 * 128);
}

bool is_for_brdgmm(const Convolution& c, const onednn::Fusion& fusion) {
  // Windows that share few columns, a row at a time: interleaving takes longer than all that follows, unless
  // the function takes long. By 10 to 30 % at 3x3 and stride 2, measured on Granite Rapids.
  const auto window = window_of(c);
  return window.columns.stride > 1 && window.results == 1 && window.groups == 1 &&
         (!fusion.unary || EpilogueNumbers::is_line(*fusion.unary) ||
          fusion.unary->algorithm == "leaky_relu");
}

std::unique_ptr<Step> create_depthwise_layer(const StepSpec& spec, const Convolution& convolution,
                                             const FusedInputs& inputs, const onednn::Fusion& fusion) {
  return std::make_unique<DepthwiseLayer>(spec, convolution, inputs, fusion);
}

}  // namespace octavo
