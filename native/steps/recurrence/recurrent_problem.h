// A recurrent layer in one direction, read and checked.
#pragma once

#include "contract/step.h"
#include "kernels/recurrence/panels.h"

namespace octavo {

// `gru_reset_first`: the reset gate is applied to the state before the product with its weights, not after.
enum class RecurrentCell { lstm, gru, gru_reset_first, rnn_tanh, rnn_relu };

// Attributes: cell ("lstm", "gru", "gru_reset_first", "rnn_tanh", "rnn_relu"), reverse, batchFirst, hasBias,
// hasProjection, hasState, hasLengths, isQuantized, then weightScales. Inputs, those in brackets where the
// attributes say so: the tensor [T, N, I] or, with batchFirst, [N, T, I]; weights over the input [gates * W,
// I] and over the state [gates * W, P], of "gru_reset_first" in two parts, [2 * W, W] and [W, W]; [both
// biases, gates * W each]; [the projection [P, W], of an LSTM]; [the first state [N, P], and of an LSTM the
// first cell state [N, W]]; [how long each sequence is, N integers]. P is W without a projection. Outputs:
// the states [T, N, P] or [N, T, P], the last one [N, P], and of an LSTM the last cell state [N, W]. Where it
// is quantized, both weights are symmetric 8-bit integers, weightScales are those over the input and over the
// state, and the tensor as a whole, and the states of each step, are quantized by their own range.
struct RecurrentProblem {
  RecurrentCell cell;
  bool reverse, batch_first;
  int64_t steps, batch, input, width, projected;  // T, N, I, W, P
  // Where these are among the inputs; -1 where there are none.
  int candidate = -1, bias = -1, projection = -1, state = -1, lengths = -1;
  std::vector<float> weight_scales;  // empty where the layer is not quantized
  DType weight;  // of the weights over the input and over the state: float32, bfloat16 or int8

  // Throws std::invalid_argument.
  explicit RecurrentProblem(const StepSpec& spec);

  bool is_lstm() const { return cell == RecurrentCell::lstm; }
  bool is_reset_first() const { return cell == RecurrentCell::gru_reset_first; }
  bool is_gru() const { return cell == RecurrentCell::gru || is_reset_first(); }
  int64_t gates() const { return is_lstm() ? 4 : is_gru() ? 3 : 1; }
  // Those of the first product with the state.
  int64_t state_gates() const { return is_reset_first() ? 2 : gates(); }
  bool is_quantized() const { return !weight_scales.empty(); }
  // The scale of products of such rows with a weight: 0 is that over the input, 1 that over the state.
  kernels::ByteScale weighted(const kernels::ByteScale& rows, size_t weight) const {
    return is_quantized() ? kernels::ByteScale{rows.scale * weight_scales[weight], rows.zero_point} : rows;
  }
  // The step that is computed as number `i`.
  int64_t step_at(int64_t i) const { return reverse ? steps - 1 - i : i; }
  // The row of step `step` of sequence `sequence` in the tensor and in the states.
  int64_t row(int64_t step, int64_t sequence) const {
    return batch_first ? sequence * steps + step : step * batch + sequence;
  }
};

}  // namespace octavo
