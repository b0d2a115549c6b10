// oneDNN's matrix product: of a layer with what is fused into it, and of two tensors.
#pragma once

#include "onednn/fused_primitive.h"
#include "onednn/rejections.h"

namespace octavo::onednn {

// The layout of the right factor.
enum class Weights {
  as_given,  // by its strides
  packed,    // the primitive's best layout
  shared     // one packed layout for every M
};

struct MatmulProblem {
  TensorDesc src;      // [batch..., M, K], any strides
  TensorDesc dst;      // [batch..., M, N]
  TensorDesc weights;  // [batch..., K, N]
  Weights layout;
  bool has_bias;  // [N]
};

// The first implementation without a known fault; those before it are added to `rejections`. Throws
// dnnl::error with dnnl_unimplemented if no implementation is left.
FusedPrimitive make_matmul(const MatmulProblem& problem, const Fusion& fusion, AddendForm form,
                           Rejections& rejections);

// alpha * a b + beta * c of floats. Batch extents of 1 are broadcast, and so are all extents of c.
struct ProductProblem {
  TensorDesc a;
  TensorDesc b;
  TensorDesc dst;
  Weights layout;               // b's
  std::optional<TensorDesc> c;  // of the same rank
  float alpha = 1;
  float beta = 1;
};

struct Product {
  Primitive primitive;
  dnnl::memory::desc b;
  int c_argument;  // 0 without c
};

// Chooses the implementation as make_matmul() does.
Product make_product(const ProductProblem& problem, Rejections& rejections);

}  // namespace octavo::onednn
