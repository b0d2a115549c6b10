#include "onednn/eltwise.h"

#include <stdexcept>

namespace octavo::onednn {

dnnl::algorithm eltwise_algorithm(const std::string& name) {
  using a = dnnl::algorithm;
  static const std::unordered_map<std::string, a> algorithms = {
      {"relu", a::eltwise_relu},
      {"tanh", a::eltwise_tanh},
      {"sigmoid", a::eltwise_logistic},
      {"gelu_erf", a::eltwise_gelu_erf},
      {"gelu_tanh", a::eltwise_gelu_tanh},
      {"swish", a::eltwise_swish},
      {"clip", a::eltwise_clip},
      {"linear", a::eltwise_linear},
      {"abs", a::eltwise_abs},
      {"sqrt", a::eltwise_sqrt},
      {"exp", a::eltwise_exp},
      {"elu", a::eltwise_elu},
      {"hardswish", a::eltwise_hardswish},
      {"log", a::eltwise_log},
      {"pow", a::eltwise_pow},
  };
  const auto found = algorithms.find(name);
  if (found == algorithms.end()) throw std::invalid_argument("unknown eltwise algorithm '" + name + "'");
  return found->second;
}

Primitive make_eltwise(const EltwiseProblem& problem) {
  const auto algorithm = eltwise_algorithm(problem.algorithm);
  const auto src = to_onednn(problem.src), dst = to_onednn(problem.dst);
#if OCTAVO_ONEDNN_3
  const dnnl::eltwise_forward::primitive_desc pd(engine(), dnnl::prop_kind::forward_inference, algorithm, src,
                                                 dst, problem.alpha, problem.beta, base_attributes());
#else
  // 2.x computes in one layout: the destination's must be the source's.
  const dnnl::eltwise_forward::primitive_desc pd(
      {dnnl::prop_kind::forward_inference, algorithm, src, problem.alpha, problem.beta}, base_attributes(),
      engine());
#endif
  Primitive primitive(dnnl::eltwise_forward(pd), pd.impl_info_str(), pd.scratchpad_desc());
  primitive.add(DNNL_ARG_SRC, src);
  primitive.add(DNNL_ARG_DST, dst);
  return primitive;
}

}  // namespace octavo::onednn
