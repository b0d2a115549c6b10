/**
 * The native steps of plans, by their names in `native/contract/table.cc`. `lib/plan/steps.ts` states what a plan has
 * to know of each. (No counterpart in PyTorch, whose plan is Inductor's generated code.)
 */
export type StepName =
  | 'attention'
  | 'batch_norm'
  | 'binary'
  | 'choose_qparams'
  | 'concat'
  | 'convolution'
  | 'copy'
  | 'dequantize'
  | 'dequantize_per_channel'
  | 'eltwise'
  | 'embedding'
  | 'embedding_bag'
  | 'group_norm'
  | 'integer_convolution'
  | 'integer_linear'
  | 'integer_matmul'
  | 'layer_norm'
  | 'linear'
  | 'lookup'
  | 'matmul'
  | 'pad'
  | 'pool'
  | 'quantize'
  | 'quantize_per_channel'
  | 'quantized_average'
  | 'reduce'
  | 'requantize'
  | 'softmax'
  | 'weight_only_linear';
