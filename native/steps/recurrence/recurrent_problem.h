// A recurrent layer in one direction, read and checked.
#pragma once

#include "contract/step.h"

namespace octavo {

// `gru_reset_first`: the reset gate is applied to the state before the product with its weights, not after.
enum class RecurrentCell { lstm, gru, gru_reset_first, rnn_tanh, rnn_relu };

// Attributes: cell ("lstm", "gru", "gru_reset_first", "rnn_tanh", "rnn_relu"), reverse, batchFirst, hasBias,
// hasProjection, hasState, hasLengths. Inputs, those in brackets where the attributes say so: the tensor [T,
// N, I] or, with batchFirst, [N, T, I]; weights over the input [gates * W, I] and over the state [gates * W,
// P], of "gru_reset_first" in two parts, [2 * W, W] and [W, W]; [both biases, gates * W each]; [the
// projection [P, W], of an LSTM]; [the first state [N, P], and of an LSTM the first cell state [N, W]]; [how
// long each sequence is, N integers]. P is W without a projection. Outputs: the states [T, N, P] or [N, T,
// P], the last one [N, P], and of an LSTM the last cell state [N, W].
struct RecurrentProblem {
  RecurrentCell cell;
  bool reverse, batch_first;
  int64_t steps, batch, input, width, projected;  // T, N, I, W, P
  // Where these are among the inputs; -1 where there are none.
  int candidate = -1, bias = -1, projection = -1, state = -1, lengths = -1;

  // Throws std::invalid_argument.
  explicit RecurrentProblem(const StepSpec& spec);

  bool is_lstm() const { return cell == RecurrentCell::lstm; }
  bool is_reset_first() const { return cell == RecurrentCell::gru_reset_first; }
  bool is_gru() const { return cell == RecurrentCell::gru || is_reset_first(); }
  int64_t gates() const { return is_lstm() ? 4 : is_gru() ? 3 : 1; }
  // Those of the first product with the state.
  int64_t state_gates() const { return is_reset_first() ? 2 : gates(); }
  // The row of step `step` of sequence `sequence` in the tensor and in the states.
  int64_t row(int64_t step, int64_t sequence) const {
    return batch_first ? sequence * steps + step : step * batch + sequence;
  }
};

}  // namespace octavo
