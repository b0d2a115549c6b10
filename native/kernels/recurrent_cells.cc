#include "kernels/recurrent_cells.h"

#include "kernels/multiversion.h"
#include "kernels/transcendental.h"

namespace octavo::kernels {

namespace {
OCTAVO_MULTIVERSION void add_three_rows(float* a, const float* b, const float* c, int64_t n) {
  for (int64_t i = 0; i < n; i++) a[i] += b[i] + c[i];
}

// cell = forget * cell + input * candidate
OCTAVO_MULTIVERSION void update_cell(const float* input, const float* forget, const float* candidate,
                                     float* cell, int64_t n) {
  for (int64_t i = 0; i < n; i++) cell[i] = forget[i] * cell[i] + input[i] * candidate[i];
}

OCTAVO_MULTIVERSION void product(const float* a, const float* b, float* out, int64_t n) {
  for (int64_t i = 0; i < n; i++) out[i] = a[i] * b[i];
}

// candidate += bias + reset * (hidden + hidden_bias)
OCTAVO_MULTIVERSION void add_reset(const float* reset, const float* hidden, const float* hidden_bias,
                                   const float* bias, float* candidate, int64_t n) {
  for (int64_t i = 0; i < n; i++) candidate[i] += bias[i] + reset[i] * (hidden[i] + hidden_bias[i]);
}

// state = candidate + update * (state - candidate)
OCTAVO_MULTIVERSION void blend(const float* update, const float* candidate, float* state, int64_t n) {
  for (int64_t i = 0; i < n; i++) state[i] = candidate[i] + update[i] * (state[i] - candidate[i]);
}

// NaN stays NaN.
OCTAVO_MULTIVERSION void positive_part(const float* a, float* out, int64_t n) {
  for (int64_t i = 0; i < n; i++) out[i] = a[i] < 0 ? 0 : a[i];
}
}  // namespace

void lstm_cell(float* input, const float* hidden, const float* bias, float* cell, float* state,
               int64_t width) {
  add_three_rows(input, hidden, bias, 4 * width);
  float *forget = input + width, *candidate = input + 2 * width, *output = input + 3 * width;
  sigmoid_row(input, input, 2 * width);
  tanh_row(candidate, candidate, width);
  sigmoid_row(output, output, width);
  update_cell(input, forget, candidate, cell, width);
  tanh_row(cell, candidate, width);
  product(output, candidate, state, width);
}

void gru_cell(float* input, const float* hidden, const float* bias, const float* hidden_bias, float* state,
              int64_t width) {
  add_three_rows(input, hidden, bias, 2 * width);
  float *update = input + width, *candidate = input + 2 * width;
  sigmoid_row(input, input, 2 * width);
  add_reset(input, hidden + 2 * width, hidden_bias, bias + 2 * width, candidate, width);
  tanh_row(candidate, candidate, width);
  blend(update, candidate, state, width);
}

void gru_gates(float* input, const float* hidden, const float* bias, const float* state, float* reset_state,
               int64_t width) {
  add_three_rows(input, hidden, bias, 2 * width);
  sigmoid_row(input, input, 2 * width);
  product(input, state, reset_state, width);
}

void gru_candidate(float* input, const float* hidden, const float* bias, float* state, int64_t width) {
  float *update = input + width, *candidate = input + 2 * width;
  add_three_rows(candidate, hidden, bias + 2 * width, width);
  tanh_row(candidate, candidate, width);
  blend(update, candidate, state, width);
}

void elman_cell(float* input, const float* hidden, const float* bias, bool relu, float* state,
                int64_t width) {
  add_three_rows(input, hidden, bias, width);
  if (relu)
    positive_part(input, state, width);
  else
    tanh_row(input, state, width);
}

}  // namespace octavo::kernels
