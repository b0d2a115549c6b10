// What a step makes of a weight before the first run and keeps: its elements in another layout or type,
// or a fact about all of them. A file may hold it too: lib/runtime/packed-weights.ts says what that is worth.
#pragma once

#include <cstddef>
#include <string>

#include "tensor/tensor_desc.h"

namespace octavo {

struct PackedForm {
  // Everything that the bytes depend on in addition to the weight's elements and packing().
  std::string key;
  size_t bytes;
  // Whether the key means the same in every process with the same packing().
  bool is_lasting = true;
};

// Everything that the bytes of all forms depend on: oneDNN, its instruction set, and Octavo's own packing.
std::string packing();

// The layout of a weight's elements, for keys: "int8[64, 32] by 32 1".
std::string layout_key(const TensorDesc& desc);

}  // namespace octavo
