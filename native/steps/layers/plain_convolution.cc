#include "steps/layers/plain_convolution.h"

#include "onednn/plain_convolution.h"
#include "operands/operand.h"

namespace octavo {

namespace {
class PlainConvolution : public Step {
 public:
  PlainConvolution(const StepSpec& spec, bool has_bias, const TensorDesc& src,
                   const dnnl::memory::desc& weights, const TensorDesc& dst,
                   onednn::PlainConvolution convolution)
      : has_bias_(has_bias),
        primitive_(std::move(convolution.primitive)),
        scratch_offset_(scratch_.reserve(primitive_.scratchpad_bytes())),
        src_(spec.inputs[0], layout_of(src), convolution.src, scratch_),
        weights_(spec.inputs[1], weights, convolution.weights, scratch_),
        bias_(has_bias && spec.inputs[2].constant ? spec.inputs[2].constant->data() : nullptr) {
    const auto wanted = layout_of(dst);
    if (convolution.dst == wanted) return;
    reorder_.emplace(onednn::make_reorder(convolution.dst, wanted));
    dst_offset_ = scratch_.reserve(convolution.dst.get_size());
    reorder_scratch_offset_ = scratch_.reserve(reorder_->scratchpad_bytes());
  }

  void execute(const Buffers& buffers) override {
    const auto at = [&](size_t offset) { return ScratchLayout::at(buffers.scratchpad, offset); };
    void* dst = reorder_ ? at(dst_offset_) : buffers.outputs[0];
    primitive_.bind(DNNL_ARG_SRC, src_.resolve(buffers.inputs[0], buffers.scratchpad));
    primitive_.bind(DNNL_ARG_WEIGHTS, weights_.resolve(buffers.inputs[1], buffers.scratchpad));
    if (has_bias_) primitive_.bind(DNNL_ARG_BIAS, bias_ ? bias_.get() : buffers.inputs[2]);
    primitive_.bind(DNNL_ARG_DST, dst);
    primitive_.execute(at(scratch_offset_));
    if (!reorder_) return;
    reorder_->bind(DNNL_ARG_FROM, dst);
    reorder_->bind(DNNL_ARG_TO, buffers.outputs[0]);
    reorder_->execute(at(reorder_scratch_offset_));
  }

  std::string implementation() const override {
    return src_.prefix() + weights_.prefix() + primitive_.implementation().name +
           (reorder_ ? "+" + reorder_->implementation().name : "");
  }
  size_t scratchpad_bytes() const override { return scratch_.bytes(); }

 private:
  bool has_bias_;
  onednn::Primitive primitive_;
  ScratchLayout scratch_;
  size_t scratch_offset_;
  Operand src_, weights_;
  std::shared_ptr<const void> bias_;
  std::optional<onednn::Primitive> reorder_;
  size_t dst_offset_ = 0, reorder_scratch_offset_ = 0;
};

bool is_plain(const TensorDesc& desc) { return desc.dtype == DType::f32 && desc.is_contiguous(); }
}  // namespace

std::optional<std::string> plain_convolution_refusal(const StepSpec& spec,
                                                     const onednn::ConvolutionProblem& problem,
                                                     const onednn::Fusion& fusion, const TensorDesc& src,
                                                     const TensorDesc& dst) {
  const bool plain_bias = !problem.has_bias || spec.inputs[2].desc.dtype == DType::f32;
  if (!is_plain(src) || !is_plain(dst) || problem.weights_dtype != DType::f32 || !plain_bias)
    return "is for row-major float32 tensors alone";
  if (fusion.addend || fusion.unary) return "fuses nothing";
  // An image of one pixel has both layouts. A constant weight means that a plan runs the step,
  // channels-last.
  const bool of_plan = spec.inputs[1].constant && layout_of(src) == layout_of(problem.src) &&
                       layout_of(dst) == layout_of(problem.dst);
  if (of_plan) return "the images of a plan are channels-last already";
  return std::nullopt;
}

std::unique_ptr<Step> create_plain_convolution(const StepSpec& spec,
                                               const onednn::ConvolutionProblem& problem,
                                               const TensorDesc& src, const dnnl::memory::desc& weights,
                                               const TensorDesc& dst) {
  return std::make_unique<PlainConvolution>(spec, problem.has_bias, src, weights, dst,
                                            onednn::make_plain_convolution(problem));
}

}  // namespace octavo
