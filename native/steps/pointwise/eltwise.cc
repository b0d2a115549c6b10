// Pointwise functions of one tensor: those of a few instructions in our own loops, the transcendental ones in
// oneDNN's; but for three: oneDNN's exp(NaN) is Infinity, its logarithm is off by 1e-6 around 1, and 3.x's
// gelu(Infinity) is NaN with AVX-512.
#include "onednn/eltwise.h"

#include <limits>
#include <optional>
#include <stdexcept>

#include "contract/input_value.h"
#include "contract/scratch.h"
#include "contract/table.h"
#include "kernels/arithmetic.h"
#include "kernels/transcendental.h"
#include "rows/pointwise.h"

namespace octavo {

namespace {
float attribute(const StepSpec& spec, const char* name) {
  return static_cast<float>(spec.attributes.number(name, 0));
}

// Null for the functions that oneDNN computes.
PointwiseLoop::Body own_function(const std::string& name, float alpha, float beta) {
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  if (name == "relu")
    return
        [](const float* const* in, float* out, int64_t n) { kernels::clip_row(in[0], 0, kInfinity, out, n); };
  if (name == "clip")
    return
        [=](const float* const* in, float* out, int64_t n) { kernels::clip_row(in[0], alpha, beta, out, n); };
  if (name == "leaky_relu")
    return
        [=](const float* const* in, float* out, int64_t n) { kernels::leaky_relu_row(in[0], alpha, out, n); };
  if (name == "linear")
    return [=](const float* const* in, float* out, int64_t n) {
      kernels::linear_row(in[0], alpha, beta, out, n);
    };
  if (name == "divide")
    return [=](const float* const* in, float* out, int64_t n) { kernels::divide_row(in[0], alpha, out, n); };
  if (name == "exp")
    return [](const float* const* in, float* out, int64_t n) { kernels::exp_row(in[0], out, n); };
  if (name == "log")
    return [](const float* const* in, float* out, int64_t n) { kernels::log_row(in[0], out, n); };
  if (name == "gelu_erf")
    return [](const float* const* in, float* out, int64_t n) { kernels::gelu_erf_row(in[0], out, n); };
  if (name == "hardswish")
    return [](const float* const* in, float* out, int64_t n) { kernels::hardswish_row(in[0], out, n); };
  if (name == "hardsigmoid")
    return [](const float* const* in, float* out, int64_t n) { kernels::hardsigmoid_row(in[0], out, n); };
  return nullptr;
}

class OwnEltwise : public Step {
 public:
  OwnEltwise(const StepSpec& spec, PointwiseLoop::Body function)
      : x_(spec, 0, "the tensor"),
        loop_({spec.outputs.at(0), {}}, {{x_.desc(), {}}}),
        function_(std::move(function)),
        name_("octavo:" + spec.attributes.text("algorithm")) {}

  void execute(const Buffers& buffers) override {
    const void* inputs[] = {x_.data(buffers)};
    loop_.execute(buffers.outputs[0], inputs, function_);
  }
  std::string implementation() const override { return name_; }

 private:
  InputValue x_;
  PointwiseLoop loop_;
  PointwiseLoop::Body function_;
  std::string name_;
};

// Whether both lie densely and in the same order, so that order does not matter.
bool is_one_run(const TensorDesc& x, const TensorDesc& y) {
  const LoopNest nest(y.shape, {y.strides, x.strides});
  return nest.extents.size() == 1 && nest.strides[0][0] == 1 && nest.strides[1][0] == 1;
}

// The primitive computes on one run of values. An input that lies otherwise is copied to where the result
// goes, a result with gaps is computed in the scratchpad; and so is what is of a dtype that this CPU does not
// compute in, there as float32.
class OneDnnEltwise : public Step {
 public:
  explicit OneDnnEltwise(const StepSpec& spec) : x_(spec, 0, "the tensor"), numel_(x_.desc().numel()) {
    const TensorDesc &x = x_.desc(), &y = spec.outputs.at(0);
    if (x.shape != y.shape || x.dtype != y.dtype)
      throw std::invalid_argument("input and output must have the same shape and dtype");
    if (numel_ == 0) return;
    primitive_ = make(spec, x.dtype);
    if (!primitive_)
      stage(spec, x, y);
    else if (!is_one_run(x, y))
      bring_together(x, y);
    own_scratch_ = scratch_.reserve(primitive_->scratchpad_bytes());
  }

  void execute(const Buffers& buffers) override {
    if (numel_ == 0) return;
    const void* src = x_.data(buffers);
    void* dst = scatter_ ? ScratchLayout::at(buffers.scratchpad, staging_) : buffers.outputs[0];
    if (gather_) {
      gather_->execute(src, dst);
      src = dst;
    }
    primitive_->bind(DNNL_ARG_SRC, src);
    primitive_->bind(DNNL_ARG_DST, dst);
    primitive_->execute(ScratchLayout::at(buffers.scratchpad, own_scratch_));
    if (scatter_) scatter_->execute(dst, buffers.outputs[0]);
  }

  std::string implementation() const override {
    if (!primitive_) return "octavo:nothing";
    return (gather_ ? "octavo:copy+" : "") + primitive_->implementation().name +
           (scatter_ ? "+octavo:copy" : "");
  }
  size_t scratchpad_bytes() const override { return scratch_.bytes(); }

 private:
  std::optional<onednn::Primitive> make(const StepSpec& spec, DType dtype) const {
    return onednn::make_eltwise({dtype, numel_, spec.attributes.text("algorithm"), attribute(spec, "alpha"),
                                 attribute(spec, "beta")});
  }

  void bring_together(const TensorDesc& x, const TensorDesc& y) {
    const auto move = kernels::RowConversion::move(x.dtype);
    if (is_one_run(y, y)) {
      gather_.emplace(x, y, move);
      return;
    }
    const bool in_order = is_one_run(x, x);
    const TensorDesc dense = in_order ? x : TensorDesc{x.dtype, x.shape, row_major_strides(x.shape)};
    staging_ = scratch_.reserve(dense.span_bytes());
    if (!in_order) gather_.emplace(x, dense, move);
    scatter_.emplace(dense, y, move);
  }

  void stage(const StepSpec& spec, const TensorDesc& x, const TensorDesc& y) {
    primitive_ = make(spec, DType::f32);
    if (!primitive_) throw std::invalid_argument("oneDNN has no fast kernel for this function");
    const TensorDesc dense{DType::f32, x.shape, row_major_strides(x.shape)};
    staging_ = scratch_.reserve(dense.span_bytes());
    gather_.emplace(x, dense, kernels::RowConversion::cast(x.dtype, DType::f32));
    scatter_.emplace(dense, y, kernels::RowConversion::cast(DType::f32, y.dtype));
  }

  InputValue x_;
  int64_t numel_;
  ScratchLayout scratch_;
  size_t own_scratch_ = 0, staging_ = 0;
  std::optional<onednn::Primitive> primitive_;
  std::optional<StridedConversion> gather_, scatter_;
};
}  // namespace

std::unique_ptr<Step> create_eltwise(const StepSpec& spec) {
  auto function =
      own_function(spec.attributes.text("algorithm"), attribute(spec, "alpha"), attribute(spec, "beta"));
  if (function) return std::make_unique<OwnEltwise>(spec, std::move(function));
  return std::make_unique<OneDnnEltwise>(spec);
}

}  // namespace octavo
