// Gradients of a float convolution: of its input, and of its weight (PyTorch: convolution_backward, which
// returns both). The bias' gradient is a sum, and no step of its own. They read float32 or bfloat16 and are
// float32.
#include "onednn/convolution_gradients.h"

#include <optional>
#include <stdexcept>

#include "contract/table.h"
#include "operands/float32_fallback.h"
#include "operands/operand.h"
#include "steps/layers/convolution_problem.h"

namespace octavo {

namespace {
using onednn::ConvolutionOperand;

bool is_computed(DType dtype) { return dtype == DType::f32 || dtype == DType::bf16; }

// The convolution whose gradient it is. Inputs of the step: the gradient of its result, then its weight or
// its input; the step's result has the shape of the other one.
StepSpec forward_of(const StepSpec& spec, ConvolutionOperand of) {
  StepSpec forward{spec.op, spec.node, spec.attributes, {}, {spec.input(0, "the gradient").desc}};
  const auto& other = spec.input(1, of == ConvolutionOperand::input ? "the weight" : "the input");
  const StepInput result{spec.outputs.at(0), nullptr};
  const auto& grad = spec.inputs[0].desc;
  if (!is_computed(grad.dtype) || other.desc.dtype != grad.dtype)
    throw std::invalid_argument(
        "gradients of convolutions are computed from two float32 or two bfloat16 tensors, got " +
        grad.to_string() + " and " + other.desc.to_string());
  if (result.desc.dtype != DType::f32)
    throw std::invalid_argument("gradients of convolutions are float32, got " + result.desc.to_string());
  forward.inputs = of == ConvolutionOperand::input ? std::vector<StepInput>{result, other}
                                                   : std::vector<StepInput>{other, result};
  return forward;
}

// [O, I, ...] as the groups that the problem has: [G, O / G, I, ...].
dnnl::memory::desc in_groups(const Convolution& c) {
  TensorDesc weight{c.weight.dtype, c.problem.weights, c.weight.strides};
  if (c.groups > 1)
    weight.strides.insert(weight.strides.begin(), c.weight.strides[0] * (c.weight.shape[0] / c.groups));
  return layout_of(weight);
}

class ConvolutionGradient : public Step {
 public:
  ConvolutionGradient(const StepSpec& spec, ConvolutionOperand of)
      : ConvolutionGradient(spec, of, read_convolution(forward_of(spec, of))) {}

  void execute(const Buffers& buffers) override {
    const auto at = [&](size_t offset) { return ScratchLayout::at(buffers.scratchpad, offset); };
    void* result = reorder_ ? at(result_) : buffers.outputs[0];
    auto& primitive = gradient_.primitive;
    primitive.bind(DNNL_ARG_DIFF_DST, grad_->resolve(buffers.inputs[0], buffers.scratchpad));
    primitive.bind(other_argument_, other_->resolve(buffers.inputs[1], buffers.scratchpad));
    primitive.bind(result_argument_, result);
    primitive.execute(at(scratch_offset_));
    if (!reorder_) return;
    reorder_->bind(DNNL_ARG_FROM, result);
    reorder_->bind(DNNL_ARG_TO, buffers.outputs[0]);
    reorder_->execute(at(reorder_scratch_));
  }

  std::string implementation() const override {
    return grad_->prefix() + other_->prefix() + gradient_.primitive.implementation().name +
           (reorder_ ? "+" + reorder_->implementation().name : "");
  }
  size_t scratchpad_bytes() const override { return scratch_.bytes(); }

 private:
  ConvolutionGradient(const StepSpec& spec, ConvolutionOperand of, const Convolution& c)
      : gradient_(onednn::make_convolution_gradient(c.problem, of)),
        scratch_offset_(scratch_.reserve(gradient_.primitive.scratchpad_bytes())) {
    const bool of_input = of == ConvolutionOperand::input;
    const auto image = layout_of(c.src), weight = in_groups(c);
    grad_.emplace(spec.inputs[0], layout_of(c.dst), gradient_.dst, scratch_);
    other_.emplace(spec.inputs[1], of_input ? weight : image, of_input ? gradient_.weights : gradient_.src,
                   scratch_);
    other_argument_ = of_input ? DNNL_ARG_WEIGHTS : DNNL_ARG_SRC;
    result_argument_ = of_input ? DNNL_ARG_DIFF_SRC : DNNL_ARG_DIFF_WEIGHTS;
    const auto& written = of_input ? gradient_.src : gradient_.weights;
    const auto& wanted = of_input ? image : weight;
    if (written == wanted) return;
    reorder_.emplace(onednn::make_reorder(written, wanted));
    result_ = scratch_.reserve(written.get_size());
    reorder_scratch_ = scratch_.reserve(reorder_->scratchpad_bytes());
  }

  onednn::ConvolutionGradient gradient_;
  ScratchLayout scratch_;
  size_t scratch_offset_;
  std::optional<Operand> grad_, other_;
  int other_argument_ = 0, result_argument_ = 0;
  std::optional<onednn::Primitive> reorder_;
  size_t result_ = 0, reorder_scratch_ = 0;
};

template <ConvolutionOperand of>
std::unique_ptr<Step> create(const StepSpec& spec) {
  return std::make_unique<ConvolutionGradient>(spec, of);
}
}  // namespace

std::unique_ptr<Step> create_convolution_input_gradient(const StepSpec& spec) {
  return with_float32_fallback(spec, create<ConvolutionOperand::input>);
}

std::unique_ptr<Step> create_convolution_weight_gradient(const StepSpec& spec) {
  return with_float32_fallback(spec, create<ConvolutionOperand::weight>);
}

}  // namespace octavo
