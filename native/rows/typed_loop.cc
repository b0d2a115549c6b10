#include "rows/typed_loop.h"

#include <stdexcept>

#include "kernels/parallel.h"
#include "rows/pointwise.h"
#include "rows/row_blocks.h"

namespace octavo {

namespace {
constexpr int64_t kBlock = 4 * 1024;  // elements that a thread computes at a time

std::vector<Dims> all_strides(const TypedOperand& output, const std::vector<TypedOperand>& inputs) {
  std::vector<Dims> strides = {output.desc.strides};
  for (const auto& input : inputs) strides.push_back(broadcast_strides(input.desc, output.desc.shape));
  return strides;
}
}  // namespace

TypedLoop::TypedLoop(const TypedOperand& output, const std::vector<TypedOperand>& inputs)
    : nest_(output.desc.shape, all_strides(output, inputs)),
      writer_(output.as, output.desc.dtype),
      numel_(output.desc.numel()) {
  if (inputs.size() > kMaxInputs) throw std::logic_error("too many inputs for a typed loop");
  bytes_ = numel_ * writer_.stored_bytes();
  for (const auto& input : inputs) {
    readers_.emplace_back(input.desc.dtype, input.as);
    bytes_ += numel_ * readers_.back().stored_bytes();
  }
}

void TypedLoop::execute(void* output, const void* const* inputs, const Body& body) const {
  if (numel_ == 0) return;
  const int64_t length = nest_.extents.back();
  const int64_t chunks = (length + kTypedRun - 1) / kTypedRun;
  const RowBlocks blocks(nest_, kBlock);
  kernels::parallel_for(blocks.count() * chunks, bytes_, [&](int64_t item) {
    const int64_t begin = item % chunks * kTypedRun, count = std::min(kTypedRun, length - begin);
    alignas(64) char values[kMaxInputs][kTypedRunBytes];
    alignas(64) char computed[kTypedRunBytes];
    blocks.each_row(item / chunks, [&](const int64_t* offsets) {
      const void* in[kMaxInputs];
      for (size_t k = 0; k < readers_.size(); k++) {
        const int64_t step = nest_.strides[k + 1].back();
        const int64_t offset = (offsets[k + 1] + begin * step) * readers_[k].stored_bytes();
        in[k] = readers_[k].read(static_cast<const char*>(inputs[k]) + offset, step, count, values[k]);
      }
      const int64_t step = nest_.strides[0].back();
      char* out = static_cast<char*>(output) + (offsets[0] + begin * step) * writer_.stored_bytes();
      void* results = writer_.place(out, step, computed);
      body(in, results, count);
      writer_.write(results, out, step, count);
    });
  });
}

}  // namespace octavo
