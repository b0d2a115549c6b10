// One step of recurrent cells for one sequence, in blocks of kPanelColumns states.
#pragma once

#include <cstdint>

namespace octavo::kernels {

// `input` and `hidden`: the sums that the gates are functions of, [blocks, gates, kPanelColumns], without
// biases: over the step's input, and over the state before it. `bias`, in the same order, is that of both
// sums. States are [blocks, kPanelColumns]; where none are, sums and biases of 0 keep them finite.

// Gates: input, forget, cell, output. `cell` is read and written.
void lstm_cells(const float* input, const float* hidden, const float* bias, float* cell, float* state,
                int64_t blocks);
// Gates: reset, update, new. `bias` without the new gate's over the state: `hidden_bias`, which is in the new
// gate's place of a second list.
void gru_cells(const float* input, const float* hidden, const float* bias, const float* hidden_bias,
               const float* before, float* state, int64_t blocks);
// The same where the reset is done before the product with the state, in two parts: the gates, of which
// `hidden` has two, and `input` keeps the update gate; then the new state, with that product `hidden` of
// `reset_state`, which has one.
void gru_gates(float* input, const float* hidden, const float* bias, const float* before, float* reset_state,
               int64_t blocks);
void gru_candidates(const float* input, const float* hidden, const float* bias, const float* before,
                    float* state, int64_t blocks);
// One gate. `relu`: in place of the hyperbolic tangent.
void elman_cells(const float* input, const float* hidden, const float* bias, bool relu, float* state,
                 int64_t blocks);

}  // namespace octavo::kernels
