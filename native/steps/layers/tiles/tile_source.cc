#include "steps/layers/tiles/tile_source.h"

#include "kernels/tiles/tile_product.h"
#include "steps/layers/tiles/cell_source.h"
#include "steps/layers/tiles/pixel_source.h"
#include "steps/layers/tiles/window_source.h"

namespace octavo {

int64_t even_step(int64_t bytes) {
  const int64_t least = (bytes + kernels::kTileBytes - 1) / kernels::kTileBytes;
  for (int64_t steps = least; 2 * steps <= 3 * least + 1; steps++)
    if (bytes % (kernels::kQuad * steps) == 0) return bytes / steps;
  return 0;
}

std::unique_ptr<TileSource> make_tile_source(const onednn::ConvolutionProblem& problem,
                                             bool is_stored_densely) {
  if (is_stored_densely && PixelSource::takes(problem)) return std::make_unique<PixelSource>(problem);
  if (WindowSource::takes(problem)) return std::make_unique<WindowSource>(problem);
  return std::make_unique<CellSource>(problem);
}

}  // namespace octavo
