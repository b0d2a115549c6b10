// One layer of an LSTM, a GRU or an Elman network in one direction. The input of all steps is multiplied with
// its weights at once; then come the steps, each with the product of the states before it. It computes in
// float32.
#include <algorithm>
#include <optional>
#include <stdexcept>

#include "contract/index_list.h"
#include "contract/input_value.h"
#include "contract/table.h"
#include "kernels/parallel.h"
#include "kernels/recurrent_cells.h"
#include "onednn/matmul.h"
#include "operands/float32_fallback.h"
#include "operands/operand.h"
#include "steps/recurrence/recurrent_problem.h"

namespace octavo {

namespace {
// Rows times the rows of a weight [outputs, inputs].
class Product {
 public:
  Product(const StepSpec& spec, int weight, int64_t rows, ScratchLayout& scratch,
          onednn::Rejections& rejections)
      : index_(weight) {
    const StepInput& given = spec.inputs[weight];
    const int64_t outputs = given.desc.shape[0], inputs = given.desc.shape[1];
    // A single row or column is row-major and column-major.
    const bool is_vector = outputs == 1 || inputs == 1;
    const TensorDesc b{DType::f32, {inputs, outputs}, is_vector ? Dims{outputs, 1} : Dims{1, inputs}};
    const TensorDesc a{DType::f32, {rows, inputs}, {inputs, 1}},
        dst{DType::f32, {rows, outputs}, {outputs, 1}};
    const auto layout = given.constant ? onednn::Weights::packed : onednn::Weights::as_given;
    product_.emplace(onednn::make_product({a, b, dst, layout, std::nullopt, 1, 1}, rejections));
    weight_.emplace(given, onednn::to_onednn(b), product_->b, scratch);
    scratch_ = scratch.reserve(product_->primitive.scratchpad_bytes());
    sums_ = scratch.reserve(dst.span_bytes());
  }

  // Once a run, before multiply().
  void prepare(const Buffers& buffers) {
    product_->primitive.bind(DNNL_ARG_WEIGHTS, weight_->resolve(buffers.inputs[index_], buffers.scratchpad));
    product_->primitive.bind(DNNL_ARG_DST, ScratchLayout::at(buffers.scratchpad, sums_));
  }
  float* multiply(const void* a, void* scratchpad) {
    product_->primitive.bind(DNNL_ARG_SRC, a);
    product_->primitive.execute(ScratchLayout::at(scratchpad, scratch_));
    return static_cast<float*>(ScratchLayout::at(scratchpad, sums_));
  }
  std::string implementation() const { return weight_->prefix() + product_->primitive.implementation().name; }

 private:
  int index_;
  std::optional<onednn::Product> product_;
  std::optional<Operand> weight_;
  size_t scratch_, sums_;
};

class Recurrent : public Step {
 public:
  explicit Recurrent(const StepSpec& spec)
      : p_(spec),
        name_(spec.op + " '" + spec.node + "'"),
        x_(spec, 0, "the tensor"),
        of_input_(spec, 1, p_.steps * p_.batch, scratch_, rejected_),
        of_state_(spec, 2, p_.batch, scratch_, rejected_),
        bias_(reserve(p_.gates() * p_.width)),
        hidden_bias_(reserve(p_.width)),
        state_(reserve(p_.batch * p_.projected)),
        cell_(reserve(p_.batch * p_.width)) {
    if (p_.projection >= 0) {
      projection_.emplace(spec, p_.projection, p_.batch, scratch_, rejected_);
      unprojected_ = reserve(p_.batch * p_.width);
    }
    if (p_.candidate >= 0) {
      of_reset_.emplace(spec, p_.candidate, p_.batch, scratch_, rejected_);
      reset_ = reserve(p_.batch * p_.width);
    }
    if (p_.bias >= 0)
      for (int i = 0; i < 2; i++) biases_.emplace_back(spec, p_.bias + i, "a bias");
    if (p_.state >= 0)
      for (int i = 0; i < (p_.is_lstm() ? 2 : 1); i++)
        states_.emplace_back(spec, p_.state + i, "a first state");
    if (p_.lengths >= 0) lengths_.emplace(spec, p_.lengths, "the lengths", scratch_);
    add_rejections(std::move(rejected_));
  }

  void execute(const Buffers& buffers) override {
    for (auto* product : {&of_input_, &of_state_}) product->prepare(buffers);
    for (auto* product : {&projection_, &of_reset_})
      if (*product) (*product)->prepare(buffers);
    const int64_t* lengths = checked_lengths(buffers);
    add_biases(buffers);
    float *state = at(buffers, state_), *cell = at(buffers, cell_);
    start(buffers, 0, state, p_.batch * p_.projected);
    if (p_.is_lstm()) start(buffers, 1, cell, p_.batch * p_.width);
    float* input = of_input_.multiply(x_.data(buffers), buffers.scratchpad);
    for (int64_t i = 0; i < p_.steps; i++) step(buffers, p_.reverse ? p_.steps - 1 - i : i, lengths, input);
    std::copy_n(state, p_.batch * p_.projected, static_cast<float*>(buffers.outputs[1]));
    if (p_.is_lstm()) std::copy_n(cell, p_.batch * p_.width, static_cast<float*>(buffers.outputs[2]));
  }

  std::string implementation() const override {
    return of_input_.implementation() + "+" + of_state_.implementation() + "+octavo:cells" +
           (of_reset_ ? "+" + of_reset_->implementation() : "") +
           (projection_ ? "+" + projection_->implementation() : "");
  }
  size_t scratchpad_bytes() const override { return scratch_.bytes(); }

 private:
  size_t reserve(int64_t floats) { return scratch_.reserve(static_cast<size_t>(floats) * sizeof(float)); }
  static float* at(const Buffers& buffers, size_t offset) {
    return static_cast<float*>(ScratchLayout::at(buffers.scratchpad, offset));
  }

  const int64_t* checked_lengths(const Buffers& buffers) const {
    if (!lengths_) return nullptr;
    const int64_t* lengths = lengths_->copy(buffers);
    for (int64_t i = 0; i < p_.batch; i++)
      if (lengths[i] < 0 || lengths[i] > p_.steps)
        throw std::out_of_range(name_ + ": length " + std::to_string(i) + " is " +
                                std::to_string(lengths[i]) + ", but sequences have 0 to " +
                                std::to_string(p_.steps) + " steps");
    return lengths;
  }

  // Both biases of a gate are one, but for the new gate of a GRU.
  void add_biases(const Buffers& buffers) const {
    float *bias = at(buffers, bias_), *hidden = at(buffers, hidden_bias_);
    const int64_t all = p_.gates() * p_.width;
    std::fill_n(hidden, p_.width, 0.0f);
    std::fill_n(bias, all, 0.0f);
    if (biases_.empty()) return;
    const auto* first = static_cast<const float*>(biases_[0].data(buffers));
    const auto* second = static_cast<const float*>(biases_[1].data(buffers));
    const int64_t apart = p_.cell == RecurrentCell::gru ? p_.width : 0;
    for (int64_t i = 0; i < all; i++) bias[i] = i < all - apart ? first[i] + second[i] : first[i];
    std::copy_n(second + all - apart, apart, hidden);
  }

  void start(const Buffers& buffers, size_t which, float* values, int64_t count) const {
    if (states_.empty())
      std::fill_n(values, count, 0.0f);
    else
      std::copy_n(static_cast<const float*>(states_[which].data(buffers)), count, values);
  }

  // One step of all sequences. One that has ended keeps its state, and its results are 0.
  void step(const Buffers& buffers, int64_t at_step, const int64_t* lengths, float* input) {
    float *state = at(buffers, state_), *written = projection_ ? at(buffers, unprojected_) : state;
    const float* hidden = of_state_.multiply(state, buffers.scratchpad);
    const int64_t gates = p_.gates() * p_.width, state_gates = p_.state_gates() * p_.width;
    const auto has_ended = [&](int64_t n) { return lengths && at_step >= lengths[n]; };
    const int64_t bytes = p_.batch * gates * int64_t{sizeof(float)};
    kernels::parallel_for(p_.batch, 4 * bytes, [&](int64_t n) {
      if (has_ended(n)) return;
      compute(buffers, n, input + p_.row(at_step, n) * gates, hidden + n * state_gates,
              written + n * p_.width);
    });
    if (of_reset_) {
      const float* reset = of_reset_->multiply(at(buffers, reset_), buffers.scratchpad);
      kernels::parallel_for(p_.batch, 4 * bytes, [&](int64_t n) {
        if (has_ended(n)) return;
        kernels::gru_candidate(input + p_.row(at_step, n) * gates, reset + n * p_.width, at(buffers, bias_),
                               state + n * p_.width, p_.width);
      });
    }
    const float* projected = projection_ ? projection_->multiply(written, buffers.scratchpad) : state;
    auto* results = static_cast<float*>(buffers.outputs[0]);
    for (int64_t n = 0; n < p_.batch; n++) {
      float* result = results + p_.row(at_step, n) * p_.projected;
      if (has_ended(n)) {
        std::fill_n(result, p_.projected, 0.0f);
        continue;
      }
      std::copy_n(projected + n * p_.projected, p_.projected, result);
      if (projection_) std::copy_n(result, p_.projected, state + n * p_.projected);
    }
  }

  void compute(const Buffers& buffers, int64_t n, float* input, const float* hidden, float* state) const {
    const float* bias = at(buffers, bias_);
    switch (p_.cell) {
      case RecurrentCell::lstm:
        return kernels::lstm_cell(input, hidden, bias, at(buffers, cell_) + n * p_.width, state, p_.width);
      case RecurrentCell::gru:
        return kernels::gru_cell(input, hidden, bias, at(buffers, hidden_bias_), state, p_.width);
      case RecurrentCell::gru_reset_first:
        return kernels::gru_gates(input, hidden, bias, state, at(buffers, reset_) + n * p_.width, p_.width);
      case RecurrentCell::rnn_tanh:
      case RecurrentCell::rnn_relu:
        return kernels::elman_cell(input, hidden, bias, p_.cell == RecurrentCell::rnn_relu, state, p_.width);
    }
  }

  RecurrentProblem p_;
  std::string name_;
  InputValue x_;
  ScratchLayout scratch_;
  onednn::Rejections rejected_;  // of all products
  Product of_input_, of_state_;
  std::optional<Product> projection_, of_reset_;
  std::vector<InputValue> biases_, states_;
  std::optional<IndexList> lengths_;
  size_t bias_, hidden_bias_, state_, cell_, unprojected_ = 0, reset_ = 0;
};

std::unique_ptr<Step> create(const StepSpec& spec) { return std::make_unique<Recurrent>(spec); }
}  // namespace

std::unique_ptr<Step> create_recurrent(const StepSpec& spec) { return in_float32(spec, create); }

}  // namespace octavo
