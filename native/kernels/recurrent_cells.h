// One step of recurrent cells for one sequence, on rows of float32.
#pragma once

#include <cstdint>

namespace octavo::kernels {

// `input` and `hidden`: the sums that the gates are functions of, [gates, width], without biases: over the
// step's input, and over the state before it. `input` is overwritten, `state` is read and written.

// Gates: input, forget, cell, output. `bias` of both sums; `cell` is read and written, `state` only written.
void lstm_cell(float* input, const float* hidden, const float* bias, float* cell, float* state,
               int64_t width);
// Gates: reset, update, new. `bias` of both sums, but for the new gate's over the state: `hidden_bias`,
// [width].
void gru_cell(float* input, const float* hidden, const float* bias, const float* hidden_bias, float* state,
              int64_t width);
// The same where the reset is done before the product with the state, in two parts: the gates, `bias` of both
// sums; then, with that product `hidden` of `reset_state`, the new state.
void gru_gates(float* input, const float* hidden, const float* bias, const float* state, float* reset_state,
               int64_t width);
void gru_candidate(float* input, const float* hidden, const float* bias, float* state, int64_t width);
// One gate. `relu`: in place of the hyperbolic tangent.
void elman_cell(float* input, const float* hidden, const float* bias, bool relu, float* state, int64_t width);

}  // namespace octavo::kernels
