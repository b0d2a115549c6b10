#include "primitives/pointwise.h"

#include <algorithm>
#include <stdexcept>

#include "kernels/parallel.h"
#include "kernels/transpose.h"
#include "primitives/row_blocks.h"

namespace octavo {

namespace {
constexpr size_t kMaxInputs = 4;
constexpr size_t kMaxElement = 4;
constexpr int64_t kBlock = 4 * 1024;  // elements a thread takes at a time

std::vector<Dims> all_strides(const PointwiseOperand& output, const std::vector<PointwiseOperand>& inputs) {
  std::vector<Dims> strides = {output.desc.strides};
  for (const auto& input : inputs) strides.push_back(broadcast_strides(input.desc, output.desc.shape));
  return strides;
}
}  // namespace

PointwiseOperand pointwise_operand(const TensorDesc& desc, const Attributes& attributes,
                                   const std::string& prefix) {
  const kernels::Affine affine{attributes.number(prefix + "Scale", 1),
                               static_cast<double>(attributes.integer(prefix + "ZeroPoint", 0))};
  if (!(affine.scale > 0)) throw std::invalid_argument("attribute '" + prefix + "Scale' must be positive");
  return {desc, affine};
}

Dims broadcast_strides(const TensorDesc& desc, const Dims& shape) {
  Dims strides(shape.size(), 0);
  const size_t missing = shape.size() - std::min(shape.size(), desc.shape.size());
  bool fits = desc.shape.size() <= shape.size();
  for (size_t i = 0; fits && i < desc.shape.size(); i++) {
    fits = desc.shape[i] == shape[missing + i] || desc.shape[i] == 1;
    strides[missing + i] = desc.shape[i] == 1 ? 0 : desc.strides[i];
  }
  if (!fits) {
    TensorDesc target = desc;
    target.shape = shape;
    throw std::invalid_argument(desc.to_string() + " does not broadcast to " + target.to_string());
  }
  return strides;
}

PointwiseLoop::PointwiseLoop(const PointwiseOperand& output, const std::vector<PointwiseOperand>& inputs)
    : operands_{output}, nest_(output.desc.shape, all_strides(output, inputs)), numel_(output.desc.numel()) {
  operands_.insert(operands_.end(), inputs.begin(), inputs.end());
  if (inputs.size() > kMaxInputs) throw std::logic_error("too many inputs for a pointwise loop");
  bytes_ = 0;
  for (const auto& operand : operands_) {
    if (!kernels::converts_through_float(operand.desc.dtype))
      throw std::invalid_argument(std::string("computing in ") + dtype_name(operand.desc.dtype) +
                                  " is not supported; cast to float32");
    sizes_.push_back(static_cast<int64_t>(dtype_size(operand.desc.dtype)));
    bytes_ += numel_ * sizes_.back();
  }
}

void PointwiseLoop::execute(void* output, const void* const* inputs, const Body& body) const {
  if (numel_ == 0) return;
  const int64_t length = nest_.extents.back();
  const int64_t chunks = (length + kChunk - 1) / kChunk;
  const RowBlocks blocks(nest_, kBlock);
  kernels::parallel_for(blocks.count() * chunks, bytes_, [&](int64_t item) {
    const int64_t begin = item % chunks * kChunk, count = std::min(kChunk, length - begin);
    blocks.each_row(item / chunks, [&](const int64_t* offsets) {
      const auto at = [&](size_t k) { return (offsets[k] + begin * nest_.strides[k].back()) * sizes_[k]; };
      const char* rows[kMaxInputs];
      for (size_t k = 1; k < operands_.size(); k++)
        rows[k - 1] = static_cast<const char*>(inputs[k - 1]) + at(k);
      row(static_cast<char*>(output) + at(0), rows, count, body);
    });
  });
}

void PointwiseLoop::row(char* output, const char* const* inputs, int64_t count, const Body& body) const {
  alignas(64) float values[kMaxInputs][kChunk];
  alignas(64) float result[kChunk];
  alignas(64) char gathered[kChunk * kMaxElement];
  const float* in[kMaxInputs];
  for (size_t k = 1; k < operands_.size(); k++) {
    const auto& [desc, affine] = operands_[k];
    const int64_t step = nest_.strides[k].back();
    const char* src = inputs[k - 1];
    float* converted = values[k - 1];
    in[k - 1] = converted;
    if (desc.dtype == DType::f32 && step == 1) {
      in[k - 1] = reinterpret_cast<const float*>(src);
      continue;
    }
    const int64_t loaded = step == 0 ? 1 : count;
    if (step > 1) {
      kernels::gather(sizes_[k], src, step * sizes_[k], gathered, sizes_[k], count);
      src = gathered;
    }
    kernels::load_row(desc.dtype, src, converted, loaded, static_cast<float>(affine.scale),
                      static_cast<float>(affine.zero_point));
    if (step == 0) std::fill(converted + 1, converted + count, converted[0]);
  }
  const auto& [desc, affine] = operands_[0];
  const int64_t step = nest_.strides[0].back();
  if (desc.dtype == DType::f32 && step == 1) return body(in, reinterpret_cast<float*>(output), count);
  body(in, result, count);
  const auto range = desc.dtype == DType::bf16 || desc.dtype == DType::f32 ? kernels::QuantRange{0, 0}
                                                                           : kernels::full_range(desc.dtype);
  char* stored = step == 1 ? output : gathered;
  kernels::store_row(desc.dtype, result, stored, count, static_cast<float>(1.0 / affine.scale),
                     static_cast<float>(affine.zero_point), range);
  if (step != 1) kernels::gather(sizes_[0], gathered, sizes_[0], output, step * sizes_[0], count);
}

}  // namespace octavo
