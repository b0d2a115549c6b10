#include "kernels/recurrence/cells.h"

#include "kernels/multiversion.h"
#include "kernels/recurrence/panels.h"
#include "kernels/sigmoid.h"

namespace octavo::kernels {

namespace {
constexpr int64_t kLanes = kPanelColumns;

OCTAVO_MULTIVERSION void elman_tanh(const float* __restrict input, const float* __restrict hidden,
                                    const float* __restrict bias, float* __restrict state, int64_t n) {
  for (int64_t i = 0; i < n; i++) state[i] = hyperbolic_tangent(input[i] + hidden[i] + bias[i]);
}

// NaN stays NaN.
OCTAVO_MULTIVERSION void elman_relu(const float* __restrict input, const float* __restrict hidden,
                                    const float* __restrict bias, float* __restrict state, int64_t n) {
  for (int64_t i = 0; i < n; i++) {
    const float sum = input[i] + hidden[i] + bias[i];
    state[i] = sum < 0 ? 0 : sum;
  }
}
}  // namespace

OCTAVO_MULTIVERSION void lstm_cells(const float* __restrict input, const float* __restrict hidden,
                                    const float* __restrict bias, float* __restrict cell,
                                    float* __restrict state, int64_t blocks) {
  for (int64_t block = 0; block < blocks; block++) {
    const int64_t at = block * 4 * kLanes, to = block * kLanes;
    for (int64_t i = 0; i < kLanes; i++) {
      const auto sum = [&](int64_t gate) {
        const int64_t from = at + gate * kLanes + i;
        return input[from] + hidden[from] + bias[from];
      };
      const float next = sigmoid(sum(1)) * cell[to + i] + sigmoid(sum(0)) * hyperbolic_tangent(sum(2));
      cell[to + i] = next;
      state[to + i] = sigmoid(sum(3)) * hyperbolic_tangent(next);
    }
  }
}

OCTAVO_MULTIVERSION void gru_cells(const float* __restrict input, const float* __restrict hidden,
                                   const float* __restrict bias, const float* __restrict hidden_bias,
                                   const float* __restrict before, float* __restrict state, int64_t blocks) {
  for (int64_t block = 0; block < blocks; block++) {
    const int64_t at = block * 3 * kLanes, to = block * kLanes;
    for (int64_t i = 0; i < kLanes; i++) {
      const int64_t reset = at + i, update = reset + kLanes, fresh = update + kLanes;
      const float r = sigmoid(input[reset] + hidden[reset] + bias[reset]);
      const float z = sigmoid(input[update] + hidden[update] + bias[update]);
      const float candidate =
          hyperbolic_tangent(input[fresh] + bias[fresh] + r * (hidden[fresh] + hidden_bias[fresh]));
      state[to + i] = candidate + z * (before[to + i] - candidate);
    }
  }
}

OCTAVO_MULTIVERSION void gru_gates(float* __restrict input, const float* __restrict hidden,
                                   const float* __restrict bias, const float* __restrict before,
                                   float* __restrict reset_state, int64_t blocks) {
  for (int64_t block = 0; block < blocks; block++) {
    const int64_t at = block * 3 * kLanes, of_state = block * 2 * kLanes, to = block * kLanes;
    for (int64_t i = 0; i < kLanes; i++) {
      const int64_t reset = at + i, update = reset + kLanes;
      const float r = sigmoid(input[reset] + hidden[of_state + i] + bias[reset]);
      reset_state[to + i] = r * before[to + i];
      input[update] = sigmoid(input[update] + hidden[of_state + kLanes + i] + bias[update]);
    }
  }
}

OCTAVO_MULTIVERSION void gru_candidates(const float* __restrict input, const float* __restrict hidden,
                                        const float* __restrict bias, const float* __restrict before,
                                        float* __restrict state, int64_t blocks) {
  for (int64_t block = 0; block < blocks; block++) {
    const int64_t at = block * 3 * kLanes, to = block * kLanes;
    for (int64_t i = 0; i < kLanes; i++) {
      const int64_t update = at + kLanes + i, fresh = update + kLanes;
      const float candidate = hyperbolic_tangent(input[fresh] + hidden[to + i] + bias[fresh]);
      state[to + i] = candidate + input[update] * (before[to + i] - candidate);
    }
  }
}

void elman_cells(const float* input, const float* hidden, const float* bias, bool relu, float* state,
                 int64_t blocks) {
  const auto compute = relu ? elman_relu : elman_tanh;
  compute(input, hidden, bias, state, blocks * kLanes);
}

}  // namespace octavo::kernels
