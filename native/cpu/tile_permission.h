// AMX tiles are 8 KiB of register state a thread; Linux gives them only to a process that asks.
#pragma once

#include <cstdint>

namespace octavo::cpu {

// Asks for the tile data state, for this process and all its threads. Asking again is harmless; a kernel or a
// processor without tiles says no.
void request_tile_permission();

// The extended states this process may use, bit by bit as in XCR0; 0 on kernels that predate such permissions
// (5.16).
uint64_t permitted_states();

}  // namespace octavo::cpu
