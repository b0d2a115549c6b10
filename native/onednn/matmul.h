// oneDNN's matrix product: of a layer with what is fused into it, and of two tensors.
#pragma once

#include "onednn/fused_primitive.h"
#include "onednn/rejections.h"

namespace octavo::onednn {

// How the right factor lies.
enum class Weights {
  as_given,  // by its strides
  packed,    // as is best for the primitive
  shared     // packed alike for every M
};

struct MatmulProblem {
  TensorDesc src;      // [batch..., M, K], any strides
  TensorDesc dst;      // [batch..., M, N]
  TensorDesc weights;  // [batch..., K, N]
  Weights layout;
  bool has_bias;  // [N]
};

// The first implementation that is not known to be faulty; those before it are added to `rejections`. Throws
// dnnl::error, dnnl_unimplemented, where there is none.
FusedPrimitive make_matmul(const MatmulProblem& problem, const Fusion& fusion, AddendForm form,
                           Rejections& rejections);

// alpha * a b + beta * c of floats; batch extents of 1 broadcast, and all of c's.
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

Product make_product(const ProductProblem& problem);

}  // namespace octavo::onednn
