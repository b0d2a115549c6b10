#include "contract/table.h"

namespace octavo {

const std::vector<PrimitiveFamily>& primitive_table() {
  static const std::vector<PrimitiveFamily> table = {
      {"affine_grid", create_affine_grid},
      {"attention", create_attention},
      {"batch_norm", create_batch_norm},
      {"binary", create_binary},
      {"choose_qparams", create_choose_qparams},
      {"concat", create_concat},
      {"convolution", create_convolution},
      {"copy", create_copy},
      {"dequantize", create_dequantize},
      {"dequantize_per_channel", create_dequantize_per_channel},
      {"eltwise", create_eltwise},
      {"embedding", create_embedding},
      {"embedding_bag", create_embedding_bag},
      {"fold_windows", create_fold_windows},
      {"grid_sample", create_grid_sample},
      {"group_norm", create_group_norm},
      {"index", create_index},
      {"integer_convolution", create_integer_convolution},
      {"integer_linear", create_integer_linear},
      {"integer_matmul", create_integer_matmul},
      {"layer_norm", create_layer_norm},
      {"linear", create_linear},
      {"lookup", create_lookup},
      {"matmul", create_matmul},
      {"maxima_with_indices", create_maxima_with_indices},
      {"one_hot", create_one_hot},
      {"overwrite", create_overwrite},
      {"pad", create_pad},
      {"pick", create_pick},
      {"pool", create_pool},
      {"quantize", create_quantize},
      {"quantize_per_channel", create_quantize_per_channel},
      {"quantized_average", create_quantized_average},
      {"recurrent", create_recurrent},
      {"reduce", create_reduce},
      {"requantize", create_requantize},
      {"resample", create_resample},
      {"scatter", create_scatter},
      {"softmax", create_softmax},
      {"transposed_convolution", create_transposed_convolution},
      {"triangle", create_triangle},
      {"weight_only_linear", create_weight_only_linear},
  };
  return table;
}

}  // namespace octavo
