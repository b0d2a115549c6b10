// What oneDNN reports about itself.
#pragma once

#include <string>

namespace octavo::onednn {

std::string version();
// The sources it was built from and the instruction set that it uses: "oneDNN 2.6.3 52b5f10… on avx2 (7)".
// The number distinguishes instruction sets that have no name here.
std::string build();
// "omp", "tbb", "seq", …
std::string runtime();
// The widest instruction set that oneDNN uses, limited by ONEDNN_MAX_CPU_ISA: "avx512_core_vnni".
std::string effective_isa();
// Whether oneDNN's int8 kernels add pairs of products in 16 bits on this CPU, where large ones saturate:
// true for every instruction set before VNNI.
bool int8_sums_saturate();
// Whether it has the instructions of 64 bytes that do not.
bool has_avx512_vnni();
// Whether oneDNN uses AMX: the CPU has it, the process may use it, and ONEDNN_MAX_CPU_ISA does not forbid it.
bool has_amx();
// Whether oneDNN's products of bfloat16 are faster than those of float32. In registers of AVX-512 they are
// not on Intel's CPUs: a VDPBF16PS begins every other cycle there, and in the meantime four multiplications
// of float32, which add up twice as many products.
bool multiplies_bf16_faster();

}  // namespace octavo::onednn
