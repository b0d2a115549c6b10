#include "primitives/rows.h"

#include <algorithm>
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

kernels::RowConversion to_float(DType dtype) {
  return dtype == DType::f32 ? kernels::RowConversion::move(dtype)
                             : kernels::RowConversion::affine(dtype, {}, DType::f32, {}, {0, 0});
}

kernels::RowConversion from_float(DType dtype, kernels::Affine target) {
  if (dtype == DType::f32) return kernels::RowConversion::move(dtype);
  const auto range = dtype == DType::bf16 ? kernels::QuantRange{0, 0} : kernels::full_range(dtype);
  return kernels::RowConversion::affine(DType::f32, {}, dtype, target, range);
}
}  // namespace

RowLoop::RowLoop(const TensorDesc& input, const TensorDesc& output, const std::vector<size_t>& axes,
                 kernels::Affine target, ScratchLayout& scratch) {
  if (input.shape != output.shape)
    throw std::invalid_argument("the output must have the input's shape " + input.to_string());
  if (input.dtype != DType::f32 && input.dtype != DType::bf16)
    throw std::invalid_argument(std::string("float32 or bfloat16 expected, got ") + dtype_name(input.dtype));
  length_ = 1;
  for (size_t axis : axes) length_ *= input.shape.at(axis);
  rows_ = length_ ? input.numel() / length_ : 0;
  const TensorDesc x = rows_last(input, axes), y = rows_last(output, axes);
  const TensorDesc dense{DType::f32, x.shape, row_major_strides(x.shape)};
  const bool x_ready = x.dtype == DType::f32 && x.is_contiguous();
  const bool y_ready = y.dtype == DType::f32 && y.is_contiguous();
  if (!x_ready || !y_ready) staging_ = scratch.reserve(dense.span_bytes());
  if (!x_ready) gather_.emplace(x, dense, to_float(x.dtype));
  if (!y_ready) scatter_.emplace(dense, y, from_float(y.dtype, target));
}

void RowLoop::execute(const void* input, void* output, void* scratchpad, const Body& body) const {
  void* staging = ScratchLayout::at(scratchpad, staging_);
  if (gather_) gather_->execute(input, staging);
  const float* x = static_cast<const float*>(gather_ ? staging : input);
  float* y = static_cast<float*>(scatter_ ? staging : output);
  const int64_t bytes = rows_ * length_ * static_cast<int64_t>(2 * sizeof(float));
  kernels::parallel_for(rows_, bytes, [&](int64_t i) { body(x + i * length_, y + i * length_, i); });
  if (scatter_) scatter_->execute(staging, output);
}

std::string RowLoop::implementation(const std::string& name) const {
  return "octavo:" + name + (gather_ || scatter_ ? "+copy" : "");
}

}  // namespace octavo
