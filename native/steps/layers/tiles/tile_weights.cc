#include "steps/layers/tiles/tile_weights.h"

#include <algorithm>

#include "kernels/tiles/tile_product.h"
#include "kernels/transpose.h"
#include "kernels/vnni/epilogue.h"

namespace octavo {

namespace {
constexpr int64_t kTile = kernels::kTileSide, kTilesOfBlock = kernels::kBlockChannels / kTile;
}  // namespace

TileWeights::TileWeights(const TensorDesc& weight, ChannelOrder order, const TileSource& source)
    : weight_(weight),
      order_(std::move(order)),
      steps_(source.steps()),
      tap_bytes_(source.tap_bytes()),
      step_bytes_(source.step_bytes()) {}

int64_t TileWeights::blocks() const { return static_cast<int64_t>(order_->size()) / kernels::kBlockChannels; }

int64_t TileWeights::all_tiles() const { return (weight_.shape[0] + kTile - 1) / kTile; }

int64_t TileWeights::tiles(int64_t block) const {
  return std::min(kTilesOfBlock, all_tiles() - block * kTilesOfBlock);
}

int64_t TileWeights::step_tile_bytes() const { return kernels::tile_weight_bytes(step_bytes_); }
int64_t TileWeights::tile_bytes() const { return static_cast<int64_t>(steps_.size()) * step_tile_bytes(); }
int64_t TileWeights::offset(int64_t block) const {
  return std::min(block * kTilesOfBlock, all_tiles()) * tile_bytes();
}

// Every plan asks each layer: parts are appended to one string, which has room for them.
PackedForm TileWeights::form() const {
  std::string key;
  size_t elements = 0;
  for (const auto& step : steps_) elements += step.elements.size();
  key.reserve(128 + 32 * steps_.size() + 8 * elements);
  const auto add = [&](const char* text, int64_t number) { key.append(text).append(std::to_string(number)); };
  add("tiles of ", step_bytes_);
  add(" bytes, taps of ", tap_bytes_);
  key.append(":");
  for (const auto& step : steps_) {
    for (const int64_t element : step.elements) add(" ", element);
    add(" from ", step.begin);
    add(" for ", step.length);
    key.append(",");
  }
  key.append(" ").append(layout_key(weight_));
  return {std::move(key), static_cast<size_t>(all_tiles() * tile_bytes())};
}

// A row of step_bytes_ for each position and step. Bytes that belong to no tap are 0.
std::vector<int8_t> TileWeights::in_step_order(const void* data) const {
  const auto* values = static_cast<const int8_t*>(data);
  const auto &shape = weight_.shape, &strides = weight_.strides;
  const size_t row = steps_.size() * static_cast<size_t>(step_bytes_);
  std::vector<int8_t> ordered(static_cast<size_t>(all_tiles() * kTile) * row, 0);
  for (size_t position = 0; position < ordered.size() / row; position++) {
    const int64_t output = (*order_)[position];
    if (output < 0) continue;
    const int8_t* channel = values + output * strides[0];
    int8_t* to = ordered.data() + position * row;
    for (const auto& step : steps_) {
      // The part of each tap's channels that belongs to the step.
      for (int64_t done = 0; done < step.length;) {
        const int64_t at = step.begin + done, input = at % tap_bytes_;
        const int64_t element = step.elements[static_cast<size_t>(at / tap_bytes_)];
        const int64_t length = std::min(tap_bytes_ - input, step.length - done);
        const int64_t inputs = std::min(length, shape[1] - input);
        if (element >= 0 && inputs > 0)
          kernels::gather(1,
                          channel + input * strides[1] + element / shape[3] * strides[2] +
                              element % shape[3] * strides[3],
                          strides[1], to + done, 1, inputs);
        done += length;
      }
      to += step_bytes_;
    }
  }
  return ordered;
}

void TileWeights::pack(const void* data, void* packed) const {
  const auto ordered = in_step_order(data);
  const auto steps = static_cast<int64_t>(steps_.size());
  const int64_t row = steps * step_bytes_, tiles = all_tiles();
  auto* to = static_cast<int8_t*>(packed);
  for (int64_t pair = 0; pair < tiles; pair += 2)
    for (int64_t step = 0; step < steps; step++)
      for (int64_t tile = pair; tile < std::min(pair + 2, tiles); tile++, to += step_tile_bytes())
        kernels::pack_tile(ordered.data() + tile * kTile * row + step * step_bytes_, row, step_bytes_, to);
}

}  // namespace octavo
