// The list of primitive families, by the name JavaScript uses.
#pragma once

#include <memory>
#include <vector>

#include "contract/step.h"

namespace octavo {

struct PrimitiveFamily {
  const char* op;
  std::unique_ptr<Step> (*create)(const StepSpec& spec);
};

const std::vector<PrimitiveFamily>& primitive_table();

// Defined in the file of their family.
std::unique_ptr<Step> create_affine_fake_quantize(const StepSpec& spec);
std::unique_ptr<Step> create_affine_fake_quantize_per_channel(const StepSpec& spec);
std::unique_ptr<Step> create_affine_grid(const StepSpec& spec);
std::unique_ptr<Step> create_arg_reduce(const StepSpec& spec);
std::unique_ptr<Step> create_attention(const StepSpec& spec);
std::unique_ptr<Step> create_batch_norm(const StepSpec& spec);
std::unique_ptr<Step> create_batch_norm_gradient(const StepSpec& spec);
std::unique_ptr<Step> create_batch_norm_training(const StepSpec& spec);
std::unique_ptr<Step> create_binary(const StepSpec& spec);
std::unique_ptr<Step> create_choose_qparams(const StepSpec& spec);
std::unique_ptr<Step> create_compare(const StepSpec& spec);
std::unique_ptr<Step> create_concat(const StepSpec& spec);
std::unique_ptr<Step> create_convolution(const StepSpec& spec);
std::unique_ptr<Step> create_convolution_input_gradient(const StepSpec& spec);
std::unique_ptr<Step> create_convolution_weight_gradient(const StepSpec& spec);
std::unique_ptr<Step> create_copy(const StepSpec& spec);
std::unique_ptr<Step> create_dequantize(const StepSpec& spec);
std::unique_ptr<Step> create_dequantize_per_channel(const StepSpec& spec);
std::unique_ptr<Step> create_dropout_mask(const StepSpec& spec);
std::unique_ptr<Step> create_elementwise(const StepSpec& spec);
std::unique_ptr<Step> create_eltwise(const StepSpec& spec);
std::unique_ptr<Step> create_embedding(const StepSpec& spec);
std::unique_ptr<Step> create_embedding_bag(const StepSpec& spec);
std::unique_ptr<Step> create_fake_quantize(const StepSpec& spec);
std::unique_ptr<Step> create_fake_quantize_gradient(const StepSpec& spec);
std::unique_ptr<Step> create_fake_quantize_gradient_per_channel(const StepSpec& spec);
std::unique_ptr<Step> create_fake_quantize_per_channel(const StepSpec& spec);
std::unique_ptr<Step> create_fill(const StepSpec& spec);
std::unique_ptr<Step> create_fold(const StepSpec& spec);
std::unique_ptr<Step> create_fold_windows(const StepSpec& spec);
std::unique_ptr<Step> create_grid_sample(const StepSpec& spec);
std::unique_ptr<Step> create_group_norm(const StepSpec& spec);
std::unique_ptr<Step> create_index(const StepSpec& spec);
std::unique_ptr<Step> create_integer_convolution(const StepSpec& spec);
std::unique_ptr<Step> create_integer_linear(const StepSpec& spec);
std::unique_ptr<Step> create_integer_matmul(const StepSpec& spec);
std::unique_ptr<Step> create_layer_norm(const StepSpec& spec);
std::unique_ptr<Step> create_learnable_fake_quantize_gradient(const StepSpec& spec);
std::unique_ptr<Step> create_learnable_fake_quantize_gradient_per_channel(const StepSpec& spec);
std::unique_ptr<Step> create_linear(const StepSpec& spec);
std::unique_ptr<Step> create_lookup(const StepSpec& spec);
std::unique_ptr<Step> create_matmul(const StepSpec& spec);
std::unique_ptr<Step> create_maxima_with_indices(const StepSpec& spec);
std::unique_ptr<Step> create_nms(const StepSpec& spec);
std::unique_ptr<Step> create_non_max_suppression(const StepSpec& spec);
std::unique_ptr<Step> create_nonzero(const StepSpec& spec);
std::unique_ptr<Step> create_observe_range(const StepSpec& spec);
std::unique_ptr<Step> create_one_hot(const StepSpec& spec);
std::unique_ptr<Step> create_overwrite(const StepSpec& spec);
std::unique_ptr<Step> create_pad(const StepSpec& spec);
std::unique_ptr<Step> create_pick(const StepSpec& spec);
std::unique_ptr<Step> create_pool(const StepSpec& spec);
std::unique_ptr<Step> create_pool_gradient(const StepSpec& spec);
std::unique_ptr<Step> create_quantize(const StepSpec& spec);
std::unique_ptr<Step> create_quantize_per_channel(const StepSpec& spec);
std::unique_ptr<Step> create_quantized_average(const StepSpec& spec);
std::unique_ptr<Step> create_recurrent(const StepSpec& spec);
std::unique_ptr<Step> create_reduce(const StepSpec& spec);
std::unique_ptr<Step> create_requantize(const StepSpec& spec);
std::unique_ptr<Step> create_resample(const StepSpec& spec);
std::unique_ptr<Step> create_roi_align(const StepSpec& spec);
std::unique_ptr<Step> create_scan(const StepSpec& spec);
std::unique_ptr<Step> create_scatter(const StepSpec& spec);
std::unique_ptr<Step> create_select(const StepSpec& spec);
std::unique_ptr<Step> create_softmax(const StepSpec& spec);
std::unique_ptr<Step> create_sort(const StepSpec& spec);
std::unique_ptr<Step> create_transposed_convolution(const StepSpec& spec);
std::unique_ptr<Step> create_triangle(const StepSpec& spec);
std::unique_ptr<Step> create_weight_only_linear(const StepSpec& spec);

}  // namespace octavo
