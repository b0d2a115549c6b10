#include "primitives/table.h"

namespace octavo {

const std::vector<PrimitiveFamily>& primitive_table() {
  static const std::vector<PrimitiveFamily> table = {
      {"convolution", create_convolution},
      {"eltwise", create_eltwise},
      {"linear", create_linear},
      {"matmul", create_matmul},
  };
  return table;
}

}  // namespace octavo
