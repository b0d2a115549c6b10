// The product of two tensors of matrices with broadcast batch dimensions (torch.matmul), in float32 or
// bfloat16, and addmm: alpha * a b + beta * c.
#include "onednn/matmul.h"

#include <cmath>
#include <stdexcept>

#include "contract/table.h"
#include "operands/float32_fallback.h"
#include "operands/operand.h"
#include "operands/stored_result.h"
#include "steps/products/matrix_operands.h"

namespace octavo {

namespace {
Factors read(const StepSpec& spec) {
  Factors p = read_factors(spec);
  const auto is_float = [](DType dtype) { return dtype == DType::f32 || dtype == DType::bf16; };
  if (p.a.dtype != p.b.dtype || !is_float(p.a.dtype) ||
      (p.dst.dtype != p.a.dtype && p.dst.dtype != DType::f32))
    throw std::invalid_argument(
        "both tensors must be float32 or both bfloat16, the output the same or float32");
  return p;
}

std::optional<TensorDesc> read_c(const StepSpec& spec, const TensorDesc& dst) {
  if (spec.inputs.size() < 3) return std::nullopt;
  TensorDesc c = spec.inputs[2].desc;
  const size_t rank = dst.shape.size();
  bool fits = c.shape.size() <= rank && c.dtype == dst.dtype;
  if (fits) c = padded(c, rank);
  for (size_t i = 0; fits && i < rank; i++) fits = c.shape[i] == 1 || c.shape[i] == dst.shape[i];
  if (!fits)
    throw std::invalid_argument("the added tensor " + spec.inputs[2].desc.to_string() +
                                " does not broadcast to the output " + dst.to_string());
  return c;
}

// A constant b is packed for the primitive; any other b is used, or copied, as multipliable() says.
Operand make_b(const StepInput& input, const TensorDesc& b, const dnnl::memory::desc& wanted,
               ScratchLayout& scratch) {
  if (input.constant) return {input, onednn::to_onednn(b), wanted, scratch};
  return {input, b, multipliable(b), scratch};
}

onednn::Weights layout_of_b(const StepSpec& spec) {
  using onednn::Weights;
  if (!spec.inputs[1].constant) return Weights::as_given;
  return spec.attributes.boolean("rowsVary", false) ? Weights::shared : Weights::packed;
}

class Matmul : public Step {
 public:
  Matmul(const StepSpec& spec, const Factors& factors, onednn::Product product)
      : product_(std::move(product)),
        scratch_offset_(scratch_.reserve(product_.primitive.scratchpad_bytes())),
        a_(spec.inputs[0], factors.a, multipliable(factors.a), scratch_),
        b_(make_b(spec.inputs[1], factors.b, product_.b, scratch_)),
        dst_(factors.dst, writable(factors.dst), scratch_) {
    if (!product_.c_argument) return;
    const TensorDesc& c = spec.inputs[2].desc;
    c_.emplace(spec.inputs[2], c, c, scratch_);
  }

  void execute(const Buffers& buffers) override {
    auto& primitive = product_.primitive;
    primitive.bind(DNNL_ARG_SRC, a_.resolve(buffers.inputs[0], buffers.scratchpad));
    primitive.bind(DNNL_ARG_WEIGHTS, b_.resolve(buffers.inputs[1], buffers.scratchpad));
    if (c_) primitive.bind(product_.c_argument, c_->resolve(buffers.inputs[2], buffers.scratchpad));
    primitive.bind(DNNL_ARG_DST, dst_.target(buffers.outputs[0], buffers.scratchpad));
    primitive.execute(ScratchLayout::at(buffers.scratchpad, scratch_offset_));
    dst_.finish(buffers.outputs[0], buffers.scratchpad);
  }

  std::string implementation() const override {
    return a_.prefix() + b_.prefix() + product_.primitive.implementation().name + dst_.suffix();
  }
  size_t scratchpad_bytes() const override { return scratch_.bytes(); }

 private:
  onednn::Product product_;
  ScratchLayout scratch_;
  size_t scratch_offset_;
  Operand a_, b_;
  Result dst_;
  std::optional<Operand> c_;
};

std::unique_ptr<Step> create(const StepSpec& spec) {
  const auto factors = read(spec);
  const auto number = [&](const char* name) {
    const auto value = static_cast<float>(spec.attributes.number(name, 1));
    if (!std::isfinite(value)) throw std::invalid_argument(std::string(name) + " must be finite");
    return value;
  };
  onednn::ProductProblem problem{multipliable(factors.a), multipliable(factors.b),   writable(factors.dst),
                                 layout_of_b(spec),       read_c(spec, factors.dst), number("alpha"),
                                 number("beta")};
  if (problem.beta == 0) problem.c.reset();
  onednn::Rejections rejections;
  auto step = std::make_unique<Matmul>(spec, factors, onednn::make_product(problem, rejections));
  step->add_rejections(std::move(rejections));
  return step;
}
}  // namespace

std::unique_ptr<Step> create_matmul(const StepSpec& spec) { return with_float32_fallback(spec, create); }

}  // namespace octavo
