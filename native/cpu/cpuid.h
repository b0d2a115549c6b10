// What the processor says of itself, raw. Judging it is lib/cpu/instruction-sets.ts's work, where recorded
// values of other processors can be judged too.
#pragma once

#include <cstdint>
#include <vector>

namespace octavo::cpu {

struct CpuidLeaf {
  uint32_t leaf, subleaf;
  uint32_t eax, ebx, ecx, edx;
};

// The leaves that feature detection reads, as far as this processor has them.
std::vector<CpuidLeaf> read_cpuid();

// Extended control register 0: the register files that the operating system saves. 0 where it has not enabled
// XSAVE.
uint64_t read_xcr0();

}  // namespace octavo::cpu
