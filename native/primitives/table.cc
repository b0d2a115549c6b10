#include "primitives/table.h"

namespace octavo {

const std::vector<PrimitiveFamily>& primitive_table() {
  static const std::vector<PrimitiveFamily> table = {
      {"eltwise", create_eltwise},
  };
  return table;
}

}  // namespace octavo
