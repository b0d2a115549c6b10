// The products of tile_product.h in registers of AVX-512, with VNNI.
#pragma once

#include "kernels/tiles/tile_product.h"

namespace octavo::kernels {

// As multiply_tiles() says.
void multiply_rows(bool is_signed, const TileSteps& steps, int64_t rows, int64_t column_tiles,
                   const int8_t* weights, const int32_t* initial, int32_t* sums);

}  // namespace octavo::kernels
