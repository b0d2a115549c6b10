// One of oneDNN's implementations of an operation, by its name.
#pragma once

#include <string>

namespace octavo::onednn {

struct Implementation {
  // `name` is an impl_info_str() such as "brgconv:avx512_core_vnni", or several joined by '+'. If one of
  // them is a reference, a gemm or for AMX, the whole is.
  explicit Implementation(std::string name);

  // Whether `part` occurs in the name: "brgconv:", "1x1".
  bool contains(const char* part) const { return name.find(part) != std::string::npos; }
  // Loops, or gemm with separate passes around it: a jitted kernel, if there is one, is faster.
  bool is_slow() const { return is_reference || is_gemm; }

  std::string name;
  std::string isa;    // the end of the name: "avx512_core_vnni", "any"
  bool is_reference;  // "ref:any", "ref_int8:any": correct, but too slow for use
  bool is_gemm;       // "gemm:jit", "x64:gemm:jit"
  bool is_amx;
};

}  // namespace octavo::onednn
