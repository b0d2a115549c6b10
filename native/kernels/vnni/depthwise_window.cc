#include "kernels/vnni/depthwise_window.h"

#include <algorithm>
#include <cstring>

namespace octavo::kernels {

namespace {
constexpr int64_t kMostWindows = 32;  // of a part: with more, their rows leave the first-level cache

// Rounds up.
int64_t ceil_div(int64_t a, int64_t b) { return a > 0 ? (a + b - 1) / b : a / b; }
}  // namespace

DepthwiseWindow::DepthwiseWindow(Axis rows, Axis columns, Widths widths)
    : rows(rows), columns(columns), widths(widths) {
  // A second row of results is free where it needs no further group.
  const int64_t both = rows.kernel + rows.stride;
  const bool pairs = rows.dilation == 1 && ceil_div(both, 4) == ceil_div(rows.kernel, 4);
  results = pairs ? 2 : 1;
  source_rows = pairs ? both : rows.kernel;
  groups = ceil_div(source_rows, 4);

  // The first columns of the sequences that windows read.
  std::vector<int64_t> phases;
  const auto phase_of = [&](int64_t column) {
    return std::find(phases.begin(), phases.end(), column % columns.stride) - phases.begin();
  };
  const int64_t last = (columns.kernel - 1) * columns.dilation;
  for (int64_t column = 0; column <= last; column += columns.dilation)
    if (phase_of(column) == static_cast<int64_t>(phases.size())) phases.push_back(column % columns.stride);
  const auto sequences = static_cast<int64_t>(phases.size());

  // What the last window of a part reads beyond its own place in a sequence.
  const int64_t beyond = last / columns.stride;
  const int64_t most = std::min(kColumnsBytes / (groups * sequences * kColumn) - beyond, kMostWindows);
  if (source_rows > kMostSourceRows || most < kBatch) return;
  const int64_t shares = ceil_div(widths.results, most / kBatch * kBatch);
  part = ceil_div(ceil_div(widths.results, shares), kBatch) * kBatch;
  room = part + beyond;
  for (int64_t begin = 0; begin < widths.results; begin += part) {
    const int64_t length = std::min(part, widths.results - begin) + beyond;
    auto& sequence = parts.emplace_back();
    for (const int64_t phase : phases) {
      const int64_t first = begin * columns.stride + phase - widths.padding;
      const int64_t inside = std::clamp<int64_t>(ceil_div(-first, columns.stride), 0, length);
      const int64_t outside = ceil_div(widths.source - first, columns.stride);
      sequence.push_back({first, inside, std::clamp(outside, inside, length), length});
    }
  }
  for (int64_t column = 0; column <= last; column += columns.dilation)
    for (int64_t g = 0; g < groups; g++)
      taps.push_back(((g * sequences + phase_of(column)) * room + column / columns.stride) * kColumn);
}

int64_t DepthwiseWindow::packed_bytes() const {
  return kSumsBytes + columns.kernel * groups * results * kColumn;
}

DepthwiseBlock::DepthwiseBlock(int64_t first, int64_t channels) : first(first) {
  count = std::min(channels - first, kBlockChannels);
  sections = count <= 16 ? 4 : count <= 32 ? 2 : 1;
  mask = ~uint64_t{0} >> (kBlockChannels - count);
}

int64_t DepthwiseBlock::channel(int64_t position) const {
  const int64_t channel = block_channel(position) % (kBlockChannels / sections);
  return channel < count ? first + channel : -1;
}

void pack_depthwise(const DepthwiseWindow& window, const DepthwiseBlock& block, const int8_t* weights,
                    int32_t zero_point, uint8_t* packed) {
  const int64_t size = window.rows.kernel * window.columns.kernel;
  int32_t empty[kBlockChannels] = {};
  for (int64_t position = 0; position < kBlockChannels; position++) {
    const int64_t channel = block.channel(position);
    if (channel < 0) continue;
    for (int64_t i = 0; i < size; i++) empty[position] -= zero_point * weights[channel * size + i];
  }
  std::memcpy(packed, empty, sizeof empty);
  packed += sizeof empty;
  for (int64_t v = 0; v < 4; v++)
    for (int64_t column = 0; column < window.columns.kernel; column++)
      for (int64_t g = 0; g < window.groups; g++)
        for (int64_t result = 0; result < window.results; result++)
          for (int64_t i = 0; i < kVector; i++) {
            const int64_t channel = block.channel(v * 16 + i / 4);
            const int64_t row = 4 * g + i % 4 - result * window.rows.stride;
            const bool exists = channel >= 0 && row >= 0 && row < window.rows.kernel;
            *packed++ =
                exists ? static_cast<uint8_t>(weights[channel * size + row * window.columns.kernel + column])
                       : 0;
          }
}

}  // namespace octavo::kernels
