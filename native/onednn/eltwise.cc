#include "onednn/eltwise.h"

#include <stdexcept>
#include <unordered_map>

namespace octavo::onednn {

std::optional<dnnl::algorithm> eltwise_algorithm(const std::string& name) {
  using a = dnnl::algorithm;
  static const std::unordered_map<std::string, a> algorithms = {
      {"tanh", a::eltwise_tanh},         {"sigmoid", a::eltwise_logistic},
      {"gelu_erf", a::eltwise_gelu_erf}, {"gelu_tanh", a::eltwise_gelu_tanh},
      {"swish", a::eltwise_swish},       {"abs", a::eltwise_abs},
      {"sqrt", a::eltwise_sqrt},         {"elu", a::eltwise_elu},
      {"pow", a::eltwise_pow},           {"mish", a::eltwise_mish},
  };
  const auto found = algorithms.find(name);
  if (found == algorithms.end()) return std::nullopt;
  return found->second;
}

namespace {
auto make_descriptor(const EltwiseProblem& p, dnnl::algorithm algorithm, const dnnl::memory::desc& run) {
#if OCTAVO_ONEDNN_3
  return dnnl::eltwise_forward::primitive_desc(engine(), dnnl::prop_kind::forward_inference, algorithm, run,
                                               run, p.alpha, p.beta, base_attributes());
#else
  return dnnl::eltwise_forward::primitive_desc(
      {dnnl::prop_kind::forward_inference, algorithm, run, p.alpha, p.beta}, base_attributes(), engine());
#endif
}
}  // namespace

std::optional<Primitive> make_eltwise(const EltwiseProblem& problem) {
  const auto algorithm = eltwise_algorithm(problem.algorithm);
  if (!algorithm) throw std::invalid_argument("unknown eltwise algorithm '" + problem.algorithm + "'");
  const dnnl::memory::desc run({problem.numel}, to_onednn(problem.dtype), dnnl::memory::dims{1});
  try {
    const auto pd = make_descriptor(problem, *algorithm, run);
    if (Implementation(pd.impl_info_str()).is_reference) return std::nullopt;
    Primitive primitive(dnnl::eltwise_forward(pd), Implementation(pd.impl_info_str()), pd.scratchpad_desc());
    primitive.add(DNNL_ARG_SRC, run);
    primitive.add(DNNL_ARG_DST, run);
    return primitive;
  } catch (const dnnl::error& error) {
    if (error.status == dnnl_unimplemented) return std::nullopt;
    throw;
  }
}

}  // namespace octavo::onednn
