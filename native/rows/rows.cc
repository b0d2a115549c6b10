#include "rows/rows.h"

#include <algorithm>
#include <cmath>
#include <stdexcept>

#include "kernels/parallel.h"

namespace octavo {

namespace {
// The same tensor with the extents of `axes` last.
TensorDesc rows_last(const TensorDesc& desc, const std::vector<size_t>& axes) {
  TensorDesc moved{desc.dtype, {}, {}};
  const auto append = [&](size_t axis) {
    moved.shape.push_back(desc.shape[axis]);
    moved.strides.push_back(desc.strides[axis]);
  };
  for (size_t i = 0; i < desc.shape.size(); i++)
    if (std::find(axes.begin(), axes.end(), i) == axes.end()) append(i);
  for (size_t axis : axes) append(axis);
  return moved;
}

kernels::RowConversion to_float(DType dtype, kernels::Affine source) {
  return dtype == DType::f32 ? kernels::RowConversion::move(dtype)
                             : kernels::RowConversion::affine(dtype, source, DType::f32, {}, {0, 0});
}

kernels::RowConversion from_float(DType dtype, kernels::Affine target) {
  if (dtype == DType::f32) return kernels::RowConversion::move(dtype);
  const auto range = dtype == DType::bf16 ? kernels::QuantRange{0, 0} : kernels::full_range(dtype);
  return kernels::RowConversion::affine(DType::f32, {}, dtype, target, range);
}
kernels::Affine affine_of(const Attributes& attributes, const std::string& name) {
  const kernels::Affine affine{attributes.number(name + "Scale", 1),
                               static_cast<double>(attributes.integer(name + "ZeroPoint", 0))};
  if (!(affine.scale > 0) || !std::isfinite(affine.scale))
    throw std::invalid_argument(name + "Scale must be positive and finite, got " +
                                std::to_string(affine.scale));
  return affine;
}
}  // namespace

kernels::Affine source_of(const StepSpec& spec) {
  const DType dtype = spec.input(0, "the tensor").desc.dtype;
  if (is_byte(dtype) && !spec.attributes.has("xScale"))
    throw std::invalid_argument(std::string("float32 or bfloat16 expected, got ") + dtype_name(dtype));
  return affine_of(spec.attributes, "x");
}

kernels::Affine target_of(const StepSpec& spec) { return affine_of(spec.attributes, "output"); }

RowLoop::RowLoop(const TensorDesc& input, const TensorDesc& output, const std::vector<size_t>& axes,
                 kernels::Affine source, kernels::Affine target, ScratchLayout& scratch) {
  if (input.shape != output.shape)
    throw std::invalid_argument("the output must have the input's shape " + input.to_string());
  if (!is_byte(input.dtype) && input.dtype != DType::f32 && input.dtype != DType::bf16)
    throw std::invalid_argument(std::string("float32, bfloat16, uint8 or int8 expected, got ") +
                                dtype_name(input.dtype));
  length_ = 1;
  for (size_t axis : axes) length_ *= input.shape.at(axis);
  rows_ = length_ ? input.numel() / length_ : 0;
  const TensorDesc x = rows_last(input, axes), y = rows_last(output, axes);
  const TensorDesc dense{DType::f32, x.shape, row_major_strides(x.shape)};
  const bool x_ready = x.dtype == DType::f32 && x.is_contiguous();
  const bool y_ready = y.dtype == DType::f32 && y.is_contiguous();
  if (!x_ready || !y_ready) staging_ = scratch.reserve(dense.span_bytes());
  if (!x_ready && x.is_contiguous()) {
    load_ = to_float(x.dtype, source);
    load_bytes_ = length_ * static_cast<int64_t>(dtype_size(x.dtype));
  } else if (!x_ready) {
    gather_.emplace(x, dense, to_float(x.dtype, source));
  }
  if (!y_ready && y.is_contiguous()) {
    store_ = from_float(y.dtype, target);
    store_bytes_ = length_ * static_cast<int64_t>(dtype_size(y.dtype));
  } else if (!y_ready) {
    scatter_.emplace(dense, y, from_float(y.dtype, target));
  }
}

void RowLoop::execute(const void* input, void* output, void* scratchpad, const Body& body) const {
  auto* staging = static_cast<float*>(ScratchLayout::at(scratchpad, staging_));
  if (gather_) gather_->execute(input, staging);
  const auto* x = static_cast<const float*>(gather_ ? staging : input);
  auto* y = static_cast<float*>(scatter_ ? staging : output);
  const int64_t bytes = rows_ * length_ * static_cast<int64_t>(2 * sizeof(float));
  kernels::parallel_for(rows_, bytes, [&](int64_t i) {
    float* staged = staging + i * length_;
    if (load_) (*load_)(static_cast<const char*>(input) + i * load_bytes_, staged, length_);
    float* result = store_ ? staged : y + i * length_;
    body(load_ ? staged : x + i * length_, result, i);
    if (store_) (*store_)(result, static_cast<char*>(output) + i * store_bytes_, length_);
  });
  if (scatter_) scatter_->execute(staging, output);
}

std::string RowLoop::implementation(const std::string& name) const {
  return "octavo:" + name + (gather_ || scatter_ ? "+copy" : "");
}

}  // namespace octavo
