#include "kernels/elements/element_function.h"

#include <map>
#include <stdexcept>

namespace octavo::kernels {

namespace {
std::map<std::string, ElementFunction> all_functions() {
  std::map<std::string, ElementFunction> table;
  for (const auto& part :
       {arithmetic_functions(), division_functions(), comparison_functions(), rounding_functions(),
        exponential_functions(), trigonometric_functions(), activation_functions()})
    for (const auto& function : part) table.emplace(function.name, function);
  return table;
}
}  // namespace

const ElementFunction& element_function(const std::string& name) {
  static const auto table = all_functions();
  const auto found = table.find(name);
  if (found == table.end()) throw std::invalid_argument("unknown elementwise algorithm '" + name + "'");
  return found->second;
}

}  // namespace octavo::kernels
