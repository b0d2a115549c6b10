// oneDNN's matrix product: of a layer with what is fused into it, and of two tensors.
#pragma once

#include "onednn/fused_primitive.h"

namespace octavo::onednn {

struct MatmulProblem {
  TensorDesc src;       // [batch..., M, K], any strides
  TensorDesc dst;       // [batch..., M, N]
  TensorDesc weights;   // [batch..., K, N]
  bool packed_weights;  // the primitive chooses their layout; else weights.strides hold
  bool has_bias;        // [N]
};

FusedPrimitive make_matmul(const MatmulProblem& problem, const Fusion& fusion, AddendForm form);

// alpha * a b + beta * c of floats; batch extents of 1 broadcast, and all of c's.
struct ProductProblem {
  TensorDesc a;
  TensorDesc b;
  TensorDesc dst;
  bool packed_b;                // the primitive chooses b's layout
  std::optional<TensorDesc> c;  // of the same rank
  float alpha = 1;
  float beta = 1;
};

struct Product {
  Primitive primitive;
  dnnl::memory::desc b;
  int c_argument;  // 0 without c
};

Product make_product(const ProductProblem& problem);

}  // namespace octavo::onednn
