#include "primitives/table.h"

namespace octavo {

const std::vector<PrimitiveFamily>& primitive_table() {
  static const std::vector<PrimitiveFamily> table = {
      {"batch_norm", create_batch_norm},
      {"binary", create_binary},
      {"concat", create_concat},
      {"convolution", create_convolution},
      {"copy", create_copy},
      {"dequantize", create_dequantize},
      {"dequantize_per_channel", create_dequantize_per_channel},
      {"eltwise", create_eltwise},
      {"linear", create_linear},
      {"lookup", create_lookup},
      {"matmul", create_matmul},
      {"pad", create_pad},
      {"pool", create_pool},
      {"quantize", create_quantize},
      {"quantize_per_channel", create_quantize_per_channel},
      {"requantize", create_requantize},
  };
  return table;
}

}  // namespace octavo
