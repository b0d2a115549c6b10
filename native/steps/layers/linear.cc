// y = x W^T + b over the last dimension, float or quantized, with what is fused into it. It uses oneDNN's
// matmul, since its inner product does not support zero points, oneDNN's convolution if that is faster, or
// Octavo's kernels.
#include <stdexcept>

#include "contract/candidates.h"
#include "contract/table.h"
#include "onednn/matmul.h"
#include "operands/float32_fallback.h"
#include "operands/fused_step.h"
#include "operands/weight_sums.h"
#include "steps/layers/exact/exact_layer.h"
#include "steps/layers/linear_as_convolution.h"
#include "steps/layers/tiles/tile_layer.h"

namespace octavo {

namespace {
// With fewer rows than this and without VNNI, oneDNN's matmul takes up to three times as long as Octavo's
// kernels, and its convolution on two threads takes at least as long.
constexpr int64_t kFewRows = 64;

struct MatrixView {
  View view;          // the tensor itself
  TensorDesc matrix;  // as the primitive reads it: [rows, last], rows contiguous
};

MatrixView copied(const TensorDesc& desc) {
  const TensorDesc dense{desc.dtype, desc.shape, row_major_strides(desc.shape)};
  const int64_t columns = desc.shape.back();
  return {{desc, dense}, {desc.dtype, {desc.numel() / columns, columns}, {columns, 1}}};
}

// Merges leading dimensions into rows. If strides do not allow that, the primitive works on a row-major
// copy.
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
  // A single column with gaps: oneDNN 3.7 treats it as a contiguous vector.
  const bool gapped_column = columns == 1 && row_stride > 1;
  if (!possible || gapped_column || (rows > 1 && row_stride < columns)) return copied(desc);
  return {{desc, desc}, {desc.dtype, {rows, columns}, {rows == 1 ? columns : row_stride, 1}}};
}

bool is_one_matrix(const TensorDesc& desc) {
  const auto rows = as_matrix(desc);
  return rows.view.given.strides == rows.view.wanted.strides;
}

// Rows as the pixels of an image, with their elements as its channels: one column of pixels if the rows are
// evenly spaced.
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

// One linear step as its candidates see it.
struct LinearCall {
  // Checks the shapes. Throws std::invalid_argument.
  explicit LinearCall(const StepSpec& spec);

  const StepSpec& spec;
  const TensorDesc &src, &weight, &dst;
  FusedInputs inputs{};
  onednn::Fusion fusion;
  onednn::Rejections rejections;
};

LinearCall::LinearCall(const StepSpec& given)
    : spec(given),
      src(spec.input(0, "the tensor").desc),
      weight(spec.input(1, "the weight").desc),
      dst(spec.outputs.at(0)) {
  if (src.shape.empty()) throw std::invalid_argument("the input must have at least 1 dimension");
  if (weight.shape.size() != 2 || weight.shape[1] != src.shape.back())
    throw std::invalid_argument("the weight must be [out, " + std::to_string(src.shape.back()) + "], got " +
                                weight.to_string());
  Dims expected = src.shape;
  expected.back() = weight.shape[0];
  if (dst.shape != expected)
    throw std::invalid_argument("the output must be " + TensorDesc{dst.dtype, expected, {}}.to_string());
  if (src.numel() == 0 || dst.numel() == 0) throw std::invalid_argument("empty tensors cannot be multiplied");
  inputs = read_inputs(spec, weight.shape[0]);
  fusion = read_fusion(spec, weight.shape[0]);
}

Refusal refuse_exact(LinearCall& call) {
  const bool few_rows = call.dst.numel() / call.weight.shape[0] < kFewRows;
  if (few_rows && has_exact_layers(call.src.dtype)) return std::nullopt;
  return exact_layer_refusal(call.spec);
}

// Whether all rows are evenly spaced.
bool is_column(const LinearCall& call) {
  const int addend = call.inputs.addend;
  return is_one_matrix(call.src) && is_one_matrix(call.dst) &&
         (addend < 0 || is_one_matrix(call.spec.inputs[addend].desc));
}

// As Octavo's own kernels see it.
LayerProblem layer_of(const LinearCall& call) {
  const auto &src = call.src, &weight = call.weight, &dst = call.dst;
  const auto& inputs = call.inputs;
  const auto* addend = inputs.addend < 0 ? nullptr : &call.spec.inputs[inputs.addend].desc;
  const bool column = is_column(call);
  LayerProblem problem;
  problem.weight = {
      weight.dtype, {weight.shape[0], weight.shape[1], 1, 1}, {weight.strides[0], weight.strides[1], 0, 0}};
  problem.groups = 1;
  problem.convolution = {as_image(src, column),
                         as_image(dst, column),
                         weight.dtype,
                         problem.weight.shape,
                         {1, 1},
                         {1, 1},
                         {0, 0},
                         {0, 0},
                         inputs.bias >= 0};
  if (addend) problem.addend = as_image(*addend, column);
  return problem;
}

Attempt make_exact(LinearCall& call) {
  return {create_exact_layer(call.spec, layer_of(call), call.inputs, call.fusion)};
}

Refusal refuse_tiles(LinearCall& call) {
  if (!is_column(call) && call.src.shape.size() > 4)
    return "there are gaps between rows of more than 4 dimensions";
  return tile_layer_refusal(call.spec, layer_of(call), call.fusion);
}

Attempt make_tiles(LinearCall& call) {
  return {create_tile_layer(call.spec, layer_of(call), call.inputs, call.fusion)};
}

// What oneDNN's kernels need for a zero point. Octavo's kernels do not need it.
void read_weight_sums(LinearCall& call) {
  auto& sums = call.fusion.weight_sums;
  const auto& weight = call.spec.inputs[1];
  if (call.fusion.src_zero_point != 0 && sums.empty() && has_weight_sums(weight)) sums = weight_sums(weight);
}

Refusal refuse_pixels(LinearCall& call) {
  if (has_exact_layers(call.src.dtype)) return std::nullopt;
  return is_byte(call.src.dtype) ? "oneDNN has fast products of bytes on this CPU"
                                 : "is for 8-bit integers alone";
}

Attempt make_pixels(LinearCall& call) {
  read_weight_sums(call);
  return create_pixel_linear(call.spec, call.inputs, call.fusion, call.rejections);
}

std::unique_ptr<Step> create_product(LinearCall& call, const MatrixView& source, const MatrixView& result) {
  read_weight_sums(call);
  const auto& spec = call.spec;
  const auto &weight = call.weight, &dst = call.dst;
  const auto& inputs = call.inputs;
  const TensorDesc transposed{
      weight.dtype, {weight.shape[1], weight.shape[0]}, {weight.strides[1], weight.strides[0]}};
  TensorDesc packed = transposed;
  if (call.src.dtype == DType::bf16) packed.dtype = DType::bf16;
  const auto layout =
      spec.attributes.boolean("rowsVary", false) ? onednn::Weights::shared : onednn::Weights::packed;
  const onednn::MatmulProblem problem{source.matrix, result.matrix, packed, layout, inputs.bias >= 0};
  auto fused = make_fused(call.fusion, dst.dtype, [&](onednn::AddendForm form) {
    return onednn::make_matmul(problem, call.fusion, form, call.rejections);
  });
  FusedViews views{source.view, onednn::to_onednn(transposed), result.view, {}};
  if (inputs.addend >= 0) views.addend = spec.inputs[inputs.addend].desc;
  return std::make_unique<FusedStep>(spec, inputs, views, std::move(fused));
}

Refusal always(LinearCall&) { return std::nullopt; }

// oneDNN has fast int8 kernels only for contiguous rows.
Attempt make_product(LinearCall& call) {
  auto step = create_product(call, as_matrix(call.src), as_matrix(call.dst));
  const bool has_gaps = !call.src.is_contiguous() || !call.dst.is_contiguous();
  if (has_gaps && onednn::Implementation(step->implementation()).is_slow())
    return {nullptr, step->implementation() + " is slow, as rows have gaps"};
  return {std::move(step)};
}

Attempt make_product_of_copies(LinearCall& call) {
  return {create_product(call, copied(call.src), copied(call.dst))};
}

// In order of preference.
const Candidate<LinearCall> candidates[] = {
    {"octavo:exact", refuse_exact, make_exact},
    {"octavo:tiles", refuse_tiles, make_tiles},
    {"oneDNN's convolution", refuse_pixels, make_pixels},
    {"oneDNN's matmul", always, make_product},
    {"oneDNN's matmul of copied rows", always, make_product_of_copies},
};

std::unique_ptr<Step> create(const StepSpec& spec) {
  LinearCall call(spec);
  return create_preferred(candidates, call);
}
}  // namespace

std::unique_ptr<Step> create_linear(const StepSpec& spec) { return with_float32_fallback(spec, create); }

}  // namespace octavo
