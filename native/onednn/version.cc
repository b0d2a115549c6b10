#include "onednn/version.h"

#include "onednn/api.h"

namespace octavo::onednn {

std::string version() {
  const auto* v = dnnl_version();
  return std::to_string(v->major) + "." + std::to_string(v->minor) + "." + std::to_string(v->patch);
}

std::string build() {
  const auto* hash = dnnl_version()->hash;
  return "oneDNN " + version() + " " + (hash ? hash : "") + " on " + effective_isa() + " (" +
         std::to_string(static_cast<int>(dnnl::get_effective_cpu_isa())) + ")";
}

std::string runtime() {
  switch (dnnl_version()->cpu_runtime) {
    case DNNL_RUNTIME_OMP:
      return "omp";
    case DNNL_RUNTIME_TBB:
      return "tbb";
    case DNNL_RUNTIME_SEQ:
      return "seq";
    case DNNL_RUNTIME_THREADPOOL:
      return "threadpool";
    default:
      return "none";
  }
}

std::string effective_isa() {
  using isa = dnnl::cpu_isa;
  switch (dnnl::get_effective_cpu_isa()) {
    case isa::sse41:
      return "sse41";
    case isa::avx:
      return "avx";
    case isa::avx2:
      return "avx2";
    case isa::avx2_vnni:
      return "avx2_vnni";
    case isa::avx512_core:
      return "avx512_core";
    case isa::avx512_core_vnni:
      return "avx512_core_vnni";
    case isa::avx512_core_bf16:
      return "avx512_core_bf16";
    case isa::avx512_core_amx:
      return "avx512_core_amx";
#if OCTAVO_ONEDNN_3
    case isa::avx2_vnni_2:
      return "avx2_vnni_2";
    case isa::avx512_core_fp16:
      return "avx512_core_fp16";
    case isa::avx512_core_amx_fp16:
      return "avx512_core_amx_fp16";
#endif
    default:
      return "unknown";
  }
}

bool int8_sums_saturate() {
  using isa = dnnl::cpu_isa;
  switch (dnnl::get_effective_cpu_isa()) {
    case isa::sse41:
    case isa::avx:
    case isa::avx2:
    case isa::avx512_core:
      return true;
    default:
      return false;
  }
}

bool has_avx512_vnni() { return effective_isa().rfind("avx512_core_", 0) == 0; }
bool has_amx() { return effective_isa().find("amx") != std::string::npos; }
bool multiplies_bf16_faster() {
  const std::string isa = effective_isa();
  const bool multiplies = isa == "avx512_core_bf16" || isa == "avx512_core_fp16";
  return has_amx() || (multiplies && !__builtin_cpu_is("intel"));
}

}  // namespace octavo::onednn
