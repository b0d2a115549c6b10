// One of oneDNN's implementations of an operation, by its name.
#pragma once

#include <string>

namespace octavo::onednn {

struct Implementation {
  // `name` is an impl_info_str(), "brgconv:avx512_core_vnni"; or several joined by '+', of which one is a
  // reference, a gemm or for AMX then.
  explicit Implementation(std::string name);

  // Whether `part` occurs in the name: "brgconv:", "1x1".
  bool contains(const char* part) const { return name.find(part) != std::string::npos; }
  // Loops or gemm with passes of their own around it: where a jitted kernel exists, it is faster.
  bool is_slow() const { return is_reference || is_gemm; }

  std::string name;
  std::string isa;    // the end of the name: "avx512_core_vnni", "any"
  bool is_reference;  // "ref:any", "ref_int8:any": correct, and slow beyond use
  bool is_gemm;       // "gemm:jit", "x64:gemm:jit"
  bool is_amx;
};

}  // namespace octavo::onednn
