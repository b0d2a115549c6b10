// Tensors whose channels have quantization parameters of their own, or that have one pair for all elements.
#pragma once

#include <algorithm>
#include <cstdint>

#include "contract/input_value.h"
#include "contract/step.h"
#include "kernels/parallel.h"
#include "kernels/training/fake_quantize.h"

namespace octavo {

// Elements that a thread takes at once.
constexpr int64_t kQuantizedBlock = 16 * 1024;

// A tensor folded around the channels' axis: [outer, channels, inner]. Per tensor there is one channel.
struct ChannelRuns {
  int64_t outer = 1, channels = 1, inner = 1;

  int64_t numel() const { return outer * channels * inner; }

  // body(first element, count, channel) for runs of elements that have the same parameters.
  template <typename Body>
  void each(const Body& body) const {
    const int64_t parts = (inner + kQuantizedBlock - 1) / kQuantizedBlock;
    kernels::parallel_for(outer * channels * parts, numel() * int64_t{sizeof(float)}, [&](int64_t item) {
      const int64_t run = item / parts, first = item % parts * kQuantizedBlock;
      body(run * inner + first, std::min(kQuantizedBlock, inner - first), run % channels);
    });
  }
};

// By the attribute `axis`; -1 is per tensor. Throws std::invalid_argument for what is not float32, and for
// channels that are not row-major.
ChannelRuns channel_runs(const StepSpec& spec, const TensorDesc& x);

// Per tensor the order does not matter, as long as both have the same one and no gaps.
void check_alike(const TensorDesc& a, const TensorDesc& b);

// A tensor of the state: a switch, a range, scales.
void check_state(const TensorDesc& desc, DType dtype, int64_t count, const char* what);

// The integers of a quantization.
struct QuantizedRange {
  int32_t lowest, highest;

  // The attributes quantMin and quantMax.
  explicit QuantizedRange(const Attributes& attributes);

  kernels::FakeQuantization with(float scale, float zero_point) const {
    return {scale, 1.0f / scale, zero_point, static_cast<float>(lowest), static_cast<float>(highest)};
  }
};

// Whether a switch of one int64 is on.
inline bool is_on(const InputValue& input, const Buffers& buffers) {
  return *static_cast<const int64_t*>(input.data(buffers)) != 0;
}

}  // namespace octavo
