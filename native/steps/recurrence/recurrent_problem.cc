#include "steps/recurrence/recurrent_problem.h"

#include <stdexcept>

namespace octavo {

namespace {
RecurrentCell cell_from_name(const std::string& name) {
  if (name == "lstm") return RecurrentCell::lstm;
  if (name == "gru") return RecurrentCell::gru;
  if (name == "gru_reset_first") return RecurrentCell::gru_reset_first;
  if (name == "rnn_tanh") return RecurrentCell::rnn_tanh;
  if (name == "rnn_relu") return RecurrentCell::rnn_relu;
  throw std::invalid_argument(
      "cell must be 'lstm', 'gru', 'gru_reset_first', 'rnn_tanh' or 'rnn_relu', got '" + name + "'");
}

void check(const TensorDesc& desc, const char* what, const Dims& shape, DType dtype = DType::f32) {
  if (desc.dtype == dtype && desc.shape == shape && desc.is_contiguous()) return;
  throw std::invalid_argument(std::string(what) + " must be row-major " +
                              TensorDesc{dtype, shape, {}}.to_string() + ", got " + desc.to_string());
}

const TensorDesc& matrix(const StepSpec& spec, size_t index, const char* what) {
  const auto& desc = spec.input(index, what).desc;
  if (desc.shape.size() != 2)
    throw std::invalid_argument(std::string(what) + " must be a matrix, got " + desc.to_string());
  return desc;
}
}  // namespace

RecurrentProblem::RecurrentProblem(const StepSpec& spec)
    : cell(cell_from_name(spec.attributes.text("cell"))),
      reverse(spec.attributes.boolean("reverse", false)),
      batch_first(spec.attributes.boolean("batchFirst", false)),
      weight_scales(spec.attributes.boolean("isQuantized", false) ? spec.attributes.floats("weightScales")
                                                                  : std::vector<float>{}) {
  const auto& attributes = spec.attributes;
  int next = 3;
  const auto take = [&](const char* attribute, int count) {
    if (!attributes.boolean(attribute, false)) return -1;
    next += count;
    return next - count;
  };
  if (is_reset_first()) candidate = next++;
  bias = take("hasBias", 2);
  projection = take("hasProjection", 1);
  state = take("hasState", is_lstm() ? 2 : 1);
  lengths = take("hasLengths", 1);
  if (spec.inputs.size() != static_cast<size_t>(next))
    throw std::invalid_argument("takes " + std::to_string(next) + " inputs, got " +
                                std::to_string(spec.inputs.size()));
  if (projection >= 0 && !is_lstm()) throw std::invalid_argument("only an LSTM has a projection");
  if (!weight_scales.empty() && (projection >= 0 || is_reset_first()))
    throw std::invalid_argument("layers with a projection, or that reset the state first, are not quantized");
  if (!weight_scales.empty() && weight_scales.size() != 2)
    throw std::invalid_argument("weightScales must hold 2 numbers, got " +
                                std::to_string(weight_scales.size()));

  const auto& x = spec.inputs[0].desc;
  if (x.shape.size() != 3 || x.numel() == 0)
    throw std::invalid_argument("the tensor must be sequences of vectors, at least one of each, got " +
                                x.to_string());
  steps = x.shape[batch_first ? 1 : 0];
  batch = x.shape[batch_first ? 0 : 1];
  input = x.shape[2];
  width = matrix(spec, 1, "the weight over the input").shape[0] / gates();
  projected = projection >= 0 ? matrix(spec, projection, "the projection").shape[0] : width;
  if (width < 1 || projected < 1) throw std::invalid_argument("a layer needs at least one state");

  const bool is_narrow = spec.inputs[1].desc.dtype == DType::bf16;
  weight = is_quantized() ? DType::s8 : is_narrow ? DType::bf16 : DType::f32;
  check(x, "the tensor", x.shape);
  check(spec.inputs[1].desc, "the weight over the input", {gates() * width, input}, weight);
  check(spec.inputs[2].desc, "the weight over the state", {state_gates() * width, projected}, weight);
  if (candidate >= 0) check(spec.inputs[candidate].desc, "the weight over the reset state", {width, width});
  for (int i = 0; bias >= 0 && i < 2; i++) check(spec.inputs[bias + i].desc, "a bias", {gates() * width});
  if (projection >= 0) check(spec.inputs[projection].desc, "the projection", {projected, width});
  if (state >= 0) check(spec.inputs[state].desc, "the first state", {batch, projected});
  if (state >= 0 && is_lstm()) check(spec.inputs[state + 1].desc, "the first cell state", {batch, width});
  if (lengths >= 0 && spec.inputs[lengths].desc.shape != Dims{batch})
    throw std::invalid_argument("the lengths must be " + std::to_string(batch) + " integers, got " +
                                spec.inputs[lengths].desc.to_string());
  if (spec.outputs.size() != (is_lstm() ? 3 : 2))
    throw std::invalid_argument("has too few outputs, or too many");
  const Dims all = batch_first ? Dims{batch, steps, projected} : Dims{steps, batch, projected};
  check(spec.outputs[0], "the states", all);
  check(spec.outputs[1], "the last state", {batch, projected});
  if (is_lstm()) check(spec.outputs[2], "the last cell state", {batch, width});
}

}  // namespace octavo
