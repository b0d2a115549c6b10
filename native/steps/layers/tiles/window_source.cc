#include "steps/layers/tiles/window_source.h"

#include <algorithm>
#include <cstring>

#include "kernels/tiles/tile_product.h"

namespace octavo {

namespace {
// Rows of windows are copied in whole pieces. What is too much is overwritten by what comes next.
constexpr int64_t kPiece = 16;

int64_t cell_bytes_of(const onednn::ConvolutionProblem& problem) {
  return kernels::whole_quads(problem.stride[0] * problem.weights[3] * problem.src.shape[1]);
}

// Padded rows, and windows of them side by side.
struct WindowRows {
  const uint8_t* padded;
  int64_t count, padded_bytes, window_bytes;
  int64_t step;  // from a window to the next
};

template <int kPieces>
void copy_windows(const WindowRows& rows, int64_t cells, int64_t cell_bytes, uint8_t* to) {
  for (int64_t cell = 0; cell < cells; cell++, to += cell_bytes)
    for (int64_t i = 0; i < rows.count; i++)
      std::memcpy(to + i * rows.window_bytes, rows.padded + i * rows.padded_bytes + cell * rows.step,
                  kPieces * kPiece);
}
}  // namespace

bool WindowSource::takes(const onednn::ConvolutionProblem& problem) {
  const bool is_dilated = problem.dilation[0] > 1 || problem.dilation[1] > 1;
  return !is_dilated && problem.src.shape[1] < kPiece && problem.weights[3] > 1 &&
         cell_bytes_of(problem) <= kernels::kTileBytes;
}

WindowSource::WindowSource(const onednn::ConvolutionProblem& problem)
    : src_(problem.src),
      stride_(problem.stride),
      padding_(problem.padding_begin),
      window_bytes_(problem.weights[3] * src_.shape[1]) {
  const int64_t height = problem.weights[2], width = problem.weights[3];
  width_ = problem.dst.shape[3];
  tap_bytes_ = src_.shape[1];
  cell_bytes_ = step_bytes_ = cell_bytes_of(problem);
  for (int64_t first = 0; first < height; first += stride_[0]) {
    TileStep step{{}, 0, stride_[0] * window_bytes_};
    for (int64_t i = first; i < first + stride_[0]; i++)
      for (int64_t j = 0; j < width; j++) step.elements.push_back(i < height ? i * width + j : -1);
    steps_.push_back(std::move(step));
  }
}

std::vector<int64_t> WindowSource::step_offsets(int64_t) const {
  std::vector<int64_t> offsets;
  for (size_t s = 0; s < steps_.size(); s++) offsets.push_back(static_cast<int64_t>(s) * row_bytes());
  return offsets;
}

// A padded row, with what copying the last window reads behind it.
int64_t WindowSource::padded_bytes() const {
  return (width_ - 1) * stride_[1] * tap_bytes_ + window_bytes_ + kernels::kTileBytes;
}

int64_t WindowSource::copy_bytes(int64_t rows) const {
  const int64_t cell_rows = rows + static_cast<int64_t>(steps_.size()) - 1;
  return cell_rows * row_bytes() + kernels::kBlockSide * cell_bytes_ + kernels::kTileBytes +
         stride_[0] * padded_bytes();
}

void WindowSource::copy(const void* src, int64_t image, int64_t first, int64_t last, int64_t rows,
                        uint8_t zero_point, uint8_t* copied) const {
  const auto* base = static_cast<const uint8_t*>(src) + image * src_.strides[0];
  uint8_t* padded = copied + copy_bytes(rows) - stride_[0] * padded_bytes();
  const auto copy_rows = window_bytes_ <= kPiece       ? copy_windows<1>
                         : window_bytes_ <= 2 * kPiece ? copy_windows<2>
                                                       : copy_windows<4>;
  const WindowRows windows{padded, stride_[0], padded_bytes(), window_bytes_, stride_[1] * tap_bytes_};
  for (int64_t row = first; row < last + static_cast<int64_t>(steps_.size()) - 1;
       row++, copied += row_bytes()) {
    for (int64_t i = 0; i < stride_[0]; i++)
      pad_row(base, row * stride_[0] + i - padding_[0], zero_point, padded + i * padded_bytes());
    copy_rows(windows, width_, cell_bytes_, copied);
  }
}

void WindowSource::pad_row(const uint8_t* base, int64_t y, uint8_t zero_point, uint8_t* padded) const {
  const int64_t size = padded_bytes();
  std::memset(padded, zero_point, static_cast<size_t>(size));
  if (y < 0 || y >= src_.shape[2]) return;
  const uint8_t* from = base + y * src_.strides[2];
  const int64_t pixels = std::min(src_.shape[3], (size - kernels::kTileBytes) / tap_bytes_ - padding_[1]);
  uint8_t* to = padded + padding_[1] * tap_bytes_;
  if (src_.strides[3] == tap_bytes_) {
    std::memcpy(to, from, static_cast<size_t>(std::max<int64_t>(pixels, 0) * tap_bytes_));
    return;
  }
  for (int64_t pixel = 0; pixel < pixels; pixel++)
    std::memcpy(to + pixel * tap_bytes_, from + pixel * src_.strides[3], static_cast<size_t>(tap_bytes_));
}

}  // namespace octavo
