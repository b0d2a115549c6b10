// Windows of one pixel: tile products read the image itself.
#pragma once

#include "steps/layers/tiles/tile_source.h"

namespace octavo {

class PixelSource : public TileSource {
 public:
  static bool takes(const onednn::ConvolutionProblem& problem);
  explicit PixelSource(const onednn::ConvolutionProblem& problem);

  bool is_in_place() const override { return true; }
  const char* name() const override { return "pixels"; }
  std::vector<int64_t> step_offsets(int64_t rows) const override;
};

}  // namespace octavo
