// y = x W^T + b over the last dimension, float or quantized, with what is fused into it: on oneDNN's matmul,
// as its inner product refuses zero points, on its convolution where that is faster, or on our own kernels.
#include <stdexcept>

#include "contract/table.h"
#include "onednn/matmul.h"
#include "operands/float32_fallback.h"
#include "operands/fused_step.h"
#include "operands/weight_sums.h"
#include "steps/layers/exact/exact_layer.h"
#include "steps/layers/linear_as_convolution.h"

namespace octavo {

namespace {
// Below so many rows oneDNN's matmul takes up to three times as long as our own kernels where there is no
// VNNI, and its convolution on two threads as long or longer.
constexpr int64_t kFewRows = 64;

struct MatrixView {
  View view;          // of the tensor itself
  TensorDesc matrix;  // what the primitive sees: [rows, last], rows dense
};

MatrixView copied(const TensorDesc& desc) {
  const TensorDesc dense{desc.dtype, desc.shape, row_major_strides(desc.shape)};
  const int64_t columns = desc.shape.back();
  return {{desc, dense}, {desc.dtype, {desc.numel() / columns, columns}, {columns, 1}}};
}

// Leading dimensions become rows. Where strides do not allow that, the primitive works on a row-major copy.
MatrixView as_matrix(const TensorDesc& desc) {
  const size_t last = desc.shape.size() - 1;
  const int64_t columns = desc.shape[last];
  int64_t rows = 1, row_stride = 0, expected = 0;
  bool possible = desc.strides[last] == 1 || columns == 1;
  for (size_t i = last; i-- > 0;) {
    rows *= desc.shape[i];
    if (desc.shape[i] == 1) continue;
    if (row_stride == 0) row_stride = expected = desc.strides[i];
    possible = possible && desc.strides[i] == expected;
    expected *= desc.shape[i];
  }
  // A single column with gaps: oneDNN 3.7 takes it for a dense vector.
  const bool gapped_column = columns == 1 && row_stride > 1;
  if (!possible || gapped_column || (rows > 1 && row_stride < columns)) return copied(desc);
  return {{desc, desc}, {desc.dtype, {rows, columns}, {rows == 1 ? columns : row_stride, 1}}};
}

bool is_one_matrix(const TensorDesc& desc) {
  const auto rows = as_matrix(desc);
  return rows.view.given.strides == rows.view.wanted.strides;
}

// Rows as the pixels of an image, their elements as its channels: one column of pixels where the rows lie
// evenly.
TensorDesc as_image(const TensorDesc& desc, bool is_column) {
  if (is_column) {
    const auto& [dtype, shape, strides] = as_matrix(desc).matrix;
    return {dtype, {1, shape[1], shape[0], 1}, {0, strides[1], strides[0], 0}};
  }
  const size_t rank = desc.shape.size();
  if (rank > 4)
    throw std::invalid_argument(
        desc.to_string() + " has gaps between its rows; more than 4 dimensions must lie " + "without any");
  TensorDesc image{desc.dtype, {1, desc.shape.back(), 1, 1}, {0, desc.strides.back(), 0, 0}};
  const size_t axes[] = {0, 2, 3};
  for (size_t i = 0; i + 1 < rank; i++) {
    image.shape[axes[4 - rank + i]] = desc.shape[i];
    image.strides[axes[4 - rank + i]] = desc.strides[i];
  }
  return image;
}

std::unique_ptr<Step> create_exact_linear(const StepSpec& spec, const FusedInputs& inputs,
                                          const onednn::Fusion& fusion) {
  const auto &src = spec.inputs[0].desc, &weight = spec.inputs[1].desc, &dst = spec.outputs[0];
  const auto* addend = inputs.addend < 0 ? nullptr : &spec.inputs[inputs.addend].desc;
  const bool is_column = is_one_matrix(src) && is_one_matrix(dst) && (!addend || is_one_matrix(*addend));
  ExactProblem problem;
  problem.weight = {
      weight.dtype, {weight.shape[0], weight.shape[1], 1, 1}, {weight.strides[0], weight.strides[1], 0, 0}};
  problem.groups = 1;
  problem.convolution = {as_image(src, is_column),
                         as_image(dst, is_column),
                         weight.dtype,
                         problem.weight.shape,
                         {1, 1},
                         {1, 1},
                         {0, 0},
                         {0, 0},
                         inputs.bias >= 0};
  if (addend) problem.addend = as_image(*addend, is_column);
  return create_exact_layer(spec, std::move(problem), inputs, fusion);
}

bool is_slow(const Step& step) {
  const auto name = step.implementation();
  return name.find("ref") != std::string::npos || name.find("gemm") != std::string::npos;
}

std::unique_ptr<Step> create(const StepSpec& spec) {
  const auto& src = spec.input(0, "the tensor").desc;
  const auto& weight = spec.input(1, "the weight").desc;
  const auto& dst = spec.outputs.at(0);
  if (src.shape.empty()) throw std::invalid_argument("the input must have at least 1 dimension");
  if (weight.shape.size() != 2 || weight.shape[1] != src.shape.back())
    throw std::invalid_argument("the weight must be [out, " + std::to_string(src.shape.back()) + "], got " +
                                weight.to_string());
  const int64_t channels = weight.shape[0];
  Dims expected = src.shape;
  expected.back() = channels;
  if (dst.shape != expected)
    throw std::invalid_argument("the output must be " + TensorDesc{dst.dtype, expected, {}}.to_string());
  if (src.numel() == 0 || dst.numel() == 0) throw std::invalid_argument("empty tensors cannot be multiplied");
  const auto inputs = read_inputs(spec, channels);
  auto fusion = read_fusion(spec, channels);
  const bool few_rows = dst.numel() / channels < kFewRows;
  if ((has_exact_layers(src.dtype) && few_rows) || needs_exact_layer(spec))
    return create_exact_linear(spec, inputs, fusion);
  if (fusion.src_zero_point != 0 && has_weight_sums(spec.inputs[1]))
    fusion.weight_sums = weight_sums(spec.inputs[1]);
  if (has_exact_layers(src.dtype))
    if (auto step = create_pixel_linear(spec, inputs, fusion)) return step;

  const TensorDesc transposed{
      weight.dtype, {weight.shape[1], channels}, {weight.strides[1], weight.strides[0]}};
  TensorDesc packed = transposed;
  if (src.dtype == DType::bf16) packed.dtype = DType::bf16;
  const auto layout =
      spec.attributes.boolean("rowsVary", false) ? onednn::Weights::shared : onednn::Weights::packed;
  const auto make = [&](const MatrixView& source, const MatrixView& result) {
    const onednn::MatmulProblem problem{source.matrix, result.matrix, packed, layout, inputs.bias >= 0};
    auto fused = make_fused(fusion, dst.dtype, [&](onednn::AddendForm form) {
      return onednn::make_matmul(problem, fusion, form);
    });
    FusedViews views{source.view, onednn::to_onednn(transposed), result.view, {}};
    if (inputs.addend >= 0) views.addend = spec.inputs[inputs.addend].desc;
    return std::make_unique<FusedStep>(spec, inputs, views, std::move(fused));
  };
  auto step = make(as_matrix(src), as_matrix(dst));
  // oneDNN has fast int8 kernels for rows without gaps alone.
  if (is_slow(*step) && !(src.is_contiguous() && dst.is_contiguous())) step = make(copied(src), copied(dst));
  return step;
}
}  // namespace

std::unique_ptr<Step> create_linear(const StepSpec& spec) { return with_float32_fallback(spec, create); }

}  // namespace octavo
