#include "cpu/cpuid.h"

#include <cpuid.h>

namespace octavo::cpu {
namespace {

CpuidLeaf read(uint32_t leaf, uint32_t subleaf) {
  CpuidLeaf result{leaf, subleaf, 0, 0, 0, 0};
  __cpuid_count(leaf, subleaf, result.eax, result.ebx, result.ecx, result.edx);
  return result;
}

}  // namespace

std::vector<CpuidLeaf> read_cpuid() {
  std::vector<CpuidLeaf> leaves{read(0, 0), read(1, 0)};
  const uint32_t highest = leaves[0].eax;
  if (highest >= 7) {
    leaves.push_back(read(7, 0));
    // A leaf-7 answer holds the number of its highest subleaf.
    if (leaves.back().eax >= 1) leaves.push_back(read(7, 1));
  }
  const auto extended = read(0x80000000, 0);
  leaves.push_back(extended);
  for (uint32_t brand = 0x80000002; brand <= 0x80000004 && brand <= extended.eax; ++brand) {
    leaves.push_back(read(brand, 0));
  }
  return leaves;
}

uint64_t read_xcr0() {
  constexpr uint32_t osxsave = 1u << 27;
  if (!(read(1, 0).ecx & osxsave)) return 0;
  uint32_t low = 0, high = 0;
  // The intrinsic would need -mxsave for the whole file.
  asm volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return uint64_t{high} << 32 | low;
}

}  // namespace octavo::cpu
