#include "rows/pointwise.h"

#include <algorithm>
#include <stdexcept>

#include "kernels/parallel.h"
#include "kernels/transpose.h"
#include "rows/row_blocks.h"

namespace octavo {

namespace {
constexpr size_t kMaxInputs = 4;
constexpr size_t kMaxElement = 4;
constexpr int64_t kBlock = 4 * 1024;  // elements that a thread computes at a time

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
  rows_ = rows_at_once();
}

// Rows along channels are short. Several pixels make one row if they are adjacent, unless an operand has
// one value for each channel, which repeats.
int64_t PointwiseLoop::rows_at_once() const {
  if (numel_ == 0 || nest_.extents.size() < 2) return 1;
  const size_t last = nest_.extents.size() - 1;
  const int64_t length = nest_.extents[last];
  for (size_t k = 0; k < operands_.size(); k++) {
    const int64_t step = nest_.strides[k][last], next = nest_.strides[k][last - 1];
    if (step != 1 || (next != length && (next != 0 || k == 0))) return 1;
  }
  return std::max<int64_t>(1, kChunk / length);
}

void PointwiseLoop::execute(void* output, const void* const* inputs, const Body& body,
                            const StoringBody& at_once) const {
  if (numel_ == 0) return;
  const int64_t length = nest_.extents.back();
  const int64_t chunks = (length + kChunk - 1) / kChunk;
  const bool adjacent = nest_.strides[0].back() == 1;
  const bool in_floats = operands_[0].desc.dtype == DType::f32 && adjacent;
  const RowBlocks blocks(nest_, kBlock);
  kernels::parallel_for(blocks.count() * chunks, bytes_, [&](int64_t item) {
    alignas(64) float values[kMaxInputs][kChunk];
    alignas(64) float result[kChunk];
    bool is_first = true;
    const int64_t begin = item % chunks * kChunk, columns = std::min(kChunk, length - begin);
    blocks.each_run(item / chunks, rows_, [&](const int64_t* offsets, int64_t rows) {
      const auto at = [&](size_t k) { return (offsets[k] + begin * nest_.strides[k].back()) * sizes_[k]; };
      const float* in[kMaxInputs];
      for (size_t k = 1; k < operands_.size(); k++)
        in[k - 1] =
            load(k, static_cast<const char*>(inputs[k - 1]) + at(k), columns, rows, values[k - 1], is_first);
      is_first = false;
      char* out = static_cast<char*>(output) + at(0);
      const int64_t count = columns * rows;
      if (in_floats) return body(in, reinterpret_cast<float*>(out), count);
      if (at_once && adjacent) return at_once(in, out, count);
      body(in, result, count);
      store(result, out, count);
    });
  });
}

bool PointwiseLoop::is_same_in_every_row(size_t operand) const {
  const auto& strides = nest_.strides[operand];
  return strides.size() > 1 && strides[strides.size() - 2] == 0;
}

// An operand's values as floats: `length` of each of the rows, in `converted` unless they are floats
// already. What is the same in every row of a block stays there from the first rows on.
const float* PointwiseLoop::load(size_t operand, const char* src, int64_t length, int64_t rows,
                                 float* converted, bool is_first) const {
  alignas(64) char gathered[kChunk * kMaxElement];
  const auto& [desc, affine] = operands_[operand];
  const int64_t size = sizes_[operand], step = nest_.strides[operand].back();
  const bool same = is_same_in_every_row(operand), repeats = same && rows_ > 1;
  if (desc.dtype == DType::f32 && step == 1 && !repeats) return reinterpret_cast<const float*>(src);
  if (same && !is_first) return converted;
  if (step > 1) {
    kernels::gather(size, src, step * size, gathered, size, length);
    src = gathered;
  }
  const int64_t loaded = step == 0 ? 1 : repeats ? length : length * rows;
  kernels::load_row(desc.dtype, src, converted, loaded, static_cast<float>(affine.scale),
                    static_cast<float>(affine.zero_point));
  if (step == 0) std::fill(converted + 1, converted + length, converted[0]);
  // Doubles the filled part each time: single rows are too short for copying.
  if (repeats)
    for (int64_t made = length, all = length * rows; made < all; made *= 2)
      std::copy_n(converted, std::min(made, all - made), converted + made);
  return converted;
}

void PointwiseLoop::store(const float* values, char* output, int64_t count) const {
  alignas(64) char gathered[kChunk * kMaxElement];
  const auto& [desc, affine] = operands_[0];
  const int64_t step = nest_.strides[0].back();
  const auto range = desc.dtype == DType::bf16 || desc.dtype == DType::f32 ? kernels::QuantRange{0, 0}
                                                                           : kernels::full_range(desc.dtype);
  char* stored = step == 1 ? output : gathered;
  kernels::store_row(desc.dtype, values, stored, count, static_cast<float>(1.0 / affine.scale),
                     static_cast<float>(affine.zero_point), range);
  if (step != 1) kernels::gather(sizes_[0], gathered, sizes_[0], output, step * sizes_[0], count);
}

}  // namespace octavo
