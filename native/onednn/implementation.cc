#include "onednn/implementation.h"

namespace octavo::onednn {

Implementation::Implementation(std::string given)
    : name(std::move(given)),
      isa(name.substr(name.rfind(':') + 1)),
      is_reference(contains("ref")),
      is_gemm(contains("gemm")),
      is_amx(contains("amx")) {}

}  // namespace octavo::onednn
