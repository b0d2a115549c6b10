// The product of two tensors of matrices of 8-bit integers (attention's), each with its own scale and zero
// point, with broadcast batch dimensions. oneDNN multiplies the integers if it has a fast and exact kernel
// for them. Otherwise they are multiplied as float32 numbers, whose sums are exact below 2^24.
#include <cmath>
#include <optional>
#include <stdexcept>

#include "contract/candidates.h"
#include "contract/input_value.h"
#include "contract/table.h"
#include "onednn/integer_product.h"
#include "onednn/matmul.h"
#include "onednn/version.h"
#include "operands/operand.h"
#include "operands/stored_result.h"
#include "rows/strided.h"
#include "steps/products/byte_parameters.h"
#include "steps/products/matrix_operands.h"

namespace octavo {

namespace {
// One product as its candidates see it.
struct IntegerMatmulCall {
  const StepSpec& spec;
  Factors factors;
  Parameters a, b, dst;
  onednn::Rejections rejections;
};

IntegerMatmulCall read(const StepSpec& spec) {
  const Factors factors = read_factors(spec);
  for (const auto& [desc, what] : {std::pair{factors.a, "a"}, std::pair{factors.b, "b"}})
    if (!is_byte(desc.dtype))
      throw std::invalid_argument(std::string(what) + " must be uint8 or int8, got " +
                                  dtype_name(desc.dtype));
  const DType dst = factors.dst.dtype;
  if (!is_byte(dst) && dst != DType::f32 && dst != DType::bf16)
    throw std::invalid_argument(std::string("the output must be uint8, int8, float32 or bfloat16, got ") +
                                dtype_name(dst));
  return {spec,
          factors,
          read_parameters(spec.attributes, "a", factors.a.dtype),
          read_parameters(spec.attributes, "b", factors.b.dtype),
          read_parameters(spec.attributes, "output", dst),
          {}};
}

// A factor that every run converts to another type in the scratchpad.
class Converted {
 public:
  Converted(const StepSpec& spec, size_t index, const char* what, const TensorDesc& given, DType dtype,
            kernels::RowConversion row, ScratchLayout& scratch)
      : value_(spec, index, what),
        desc_{dtype, given.shape, row_major_strides(given.shape)},
        conversion_(given, desc_, row),
        offset_(scratch.reserve(desc_.span_bytes())) {}

  const TensorDesc& desc() const { return desc_; }
  const void* resolve(const Buffers& buffers) const {
    void* target = ScratchLayout::at(buffers.scratchpad, offset_);
    conversion_.execute(value_.data(buffers), target);
    return target;
  }

 private:
  InputValue value_;
  TensorDesc desc_;
  StridedConversion conversion_;
  size_t offset_;
};

// (q - zero_point) as float32.
kernels::RowConversion centred(DType dtype, const Parameters& p) {
  return kernels::RowConversion::affine(dtype, {1, static_cast<double>(p.zero_point)}, DType::f32, {},
                                        {0, 0});
}

class InFloat : public Step {
 public:
  explicit InFloat(IntegerMatmulCall& p)
      : a_(p.spec, 0, "a", p.factors.a, DType::f32, centred(p.factors.a.dtype, p.a), scratch_),
        b_(p.spec, 1, "b", p.factors.b, DType::f32, centred(p.factors.b.dtype, p.b), scratch_) {
    TensorDesc dst{DType::f32, p.factors.dst.shape, row_major_strides(p.factors.dst.shape)};
    const auto scale = static_cast<float>(p.a.scale * p.b.scale);
    product_.emplace(onednn::make_product(
        {a_.desc(), b_.desc(), dst, onednn::Weights::as_given, std::nullopt, scale, 1}, p.rejections));
    product_scratch_ = scratch_.reserve(product_->primitive.scratchpad_bytes());
    const TensorDesc& given = p.factors.dst;
    if (given.dtype == DType::f32 && given.is_contiguous()) return;
    const auto range = is_byte(given.dtype) ? kernels::full_range(given.dtype) : kernels::QuantRange{0, 0};
    const kernels::Affine target{p.dst.scale, static_cast<double>(p.dst.zero_point)};
    store_.emplace(dst, given, kernels::RowConversion::affine(DType::f32, {}, given.dtype, target, range));
    dst_offset_ = scratch_.reserve(dst.span_bytes());
  }

  void execute(const Buffers& buffers) override {
    void* dst = store_ ? ScratchLayout::at(buffers.scratchpad, dst_offset_) : buffers.outputs[0];
    auto& primitive = product_->primitive;
    primitive.bind(DNNL_ARG_SRC, a_.resolve(buffers));
    primitive.bind(DNNL_ARG_WEIGHTS, b_.resolve(buffers));
    primitive.bind(DNNL_ARG_DST, dst);
    primitive.execute(ScratchLayout::at(buffers.scratchpad, product_scratch_));
    if (store_) store_->execute(dst, buffers.outputs[0]);
  }
  std::string implementation() const override {
    return "octavo:convert+" + product_->primitive.implementation().name + (store_ ? "+octavo:convert" : "");
  }
  size_t scratchpad_bytes() const override { return scratch_.bytes(); }

 private:
  ScratchLayout scratch_;
  Converted a_, b_;
  std::optional<onednn::Product> product_;
  std::optional<StridedConversion> store_;
  size_t product_scratch_ = 0, dst_offset_ = 0;
};

class InIntegers : public Step {
 public:
  explicit InIntegers(IntegerMatmulCall& p)
      : a_(p.spec.inputs[0], p.factors.a, multipliable(p.factors.a), scratch_),
        dst_(p.factors.dst, writable(p.factors.dst), scratch_) {
    onednn::IntegerProductProblem problem{multipliable(p.factors.a), multipliable(p.factors.b),
                                          writable(p.factors.dst)};
    problem.scale = static_cast<float>(p.a.scale * p.b.scale / p.dst.scale);
    problem.a_zero_point = static_cast<int32_t>(p.a.zero_point);
    problem.b_zero_point = static_cast<int32_t>(p.b.zero_point);
    problem.dst_zero_point = static_cast<int32_t>(p.dst.zero_point);
    if (p.factors.b.dtype == DType::u8) {
      // oneDNN multiplies by int8 only: the same numbers minus 128, with a zero point that is 128 lower.
      const auto lower = kernels::RowConversion::affine(DType::u8, {}, DType::s8, {1, -128}, {-128, 127});
      lowered_.emplace(p.spec, 1, "b", p.factors.b, DType::s8, lower, scratch_);
      problem.b = lowered_->desc();
      problem.b_zero_point -= 128;
    } else {
      b_.emplace(p.spec.inputs[1], p.factors.b, multipliable(p.factors.b), scratch_);
    }
    primitive_.emplace(onednn::make_integer_product(problem, p.rejections));
    primitive_scratch_ = scratch_.reserve(primitive_->scratchpad_bytes());
  }

  void execute(const Buffers& buffers) override {
    primitive_->bind(DNNL_ARG_SRC, a_.resolve(buffers.inputs[0], buffers.scratchpad));
    primitive_->bind(DNNL_ARG_WEIGHTS,
                     b_ ? b_->resolve(buffers.inputs[1], buffers.scratchpad) : lowered_->resolve(buffers));
    primitive_->bind(DNNL_ARG_DST, dst_.target(buffers.outputs[0], buffers.scratchpad));
    primitive_->execute(ScratchLayout::at(buffers.scratchpad, primitive_scratch_));
    dst_.finish(buffers.outputs[0], buffers.scratchpad);
  }
  std::string implementation() const override {
    return a_.prefix() + (b_ ? b_->prefix() : "octavo:convert+") + primitive_->implementation().name +
           dst_.suffix();
  }
  size_t scratchpad_bytes() const override { return scratch_.bytes(); }

  bool is_fast() const { return !primitive_->implementation().is_slow(); }

 private:
  ScratchLayout scratch_;
  Operand a_;
  std::optional<Operand> b_;
  std::optional<Converted> lowered_;
  Result dst_;
  std::optional<onednn::Primitive> primitive_;
  size_t primitive_scratch_ = 0;
};

Refusal refuse_integers(IntegerMatmulCall&) {
  if (onednn::int8_sums_saturate())
    return "adds pairs of products in 16 bits on this CPU, where they saturate";
  return std::nullopt;
}

Attempt make_in_integers(IntegerMatmulCall& call) {
  try {
    auto step = std::make_unique<InIntegers>(call);
    if (!step->is_fast()) return {nullptr, step->implementation() + " is slow"};
    return {std::move(step)};
  } catch (const dnnl::error& error) {
    // oneDNN has no kernel for this combination of types and zero points.
    return {nullptr, error.what()};
  }
}

Refusal always(IntegerMatmulCall&) { return std::nullopt; }

Attempt make_in_float(IntegerMatmulCall& call) { return {std::make_unique<InFloat>(call)}; }

// In order of preference.
const Candidate<IntegerMatmulCall> candidates[] = {
    {"oneDNN's product of integers", refuse_integers, make_in_integers},
    {"oneDNN's product in float32", always, make_in_float},
};
}  // namespace

std::unique_ptr<Step> create_integer_matmul(const StepSpec& spec) {
  auto call = read(spec);
  return create_preferred(candidates, call);
}

}  // namespace octavo
