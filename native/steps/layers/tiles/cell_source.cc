#include "steps/layers/tiles/cell_source.h"

#include <algorithm>
#include <cstring>

#include "kernels/tiles/tile_product.h"

namespace octavo {

namespace {
int64_t divide_up(int64_t a, int64_t b) { return (a + b - 1) / b; }
}  // namespace

CellSource::CellSource(const onednn::ConvolutionProblem& problem)
    : src_(problem.src),
      kernel_(problem.weights.end() - 2, problem.weights.end()),
      stride_(problem.stride),
      dilation_(problem.dilation),
      padding_(problem.padding_begin) {
  tap_bytes_ = cell_bytes_ = kernels::whole_quads(src_.shape[1]);
  find_runs();
  width_ = problem.dst.shape[3] + columns_behind_;
  cut_runs();
}

CellSource::Tap CellSource::tap(size_t axis, int64_t index) const {
  const int64_t at = index * dilation_[axis];
  return {at % stride_[axis], at / stride_[axis]};
}

size_t CellSource::phase_of(int64_t row, int64_t column) {
  const auto found = std::find_if(phases_.begin(), phases_.end(),
                                  [=](const Phase& p) { return p.row == row && p.column == column; });
  if (found != phases_.end()) return static_cast<size_t>(found - phases_.begin());
  phases_.push_back({row, column});
  return phases_.size() - 1;
}

// A row of the kernel is one run for each phase that it reads, unless dilation puts gaps between its taps.
void CellSource::find_runs() {
  for (int64_t i = 0; i < kernel_[0]; i++) {
    const auto [row_phase, row] = tap(0, i);
    rows_behind_ = std::max(rows_behind_, row);
    for (int64_t wanted = 0; wanted < stride_[1]; wanted++) {
      const size_t begin = runs_.size();
      for (int64_t j = 0; j < kernel_[1]; j++) {
        const auto [phase, column] = tap(1, j);
        if (phase != wanted) continue;
        columns_behind_ = std::max(columns_behind_, column);
        const bool adjoins =
            runs_.size() > begin &&
            column == runs_.back().column + static_cast<int64_t>(runs_.back().elements.size());
        if (!adjoins) runs_.push_back({phase_of(row_phase, phase), row, column, {}});
        runs_.back().elements.push_back(i * kernel_[1] + j);
      }
    }
  }
}

// Into steps of about equal size: those of PixelSource where it has any, so that both share packed weights.
void CellSource::cut_runs() {
  for (size_t r = 0; r < runs_.size(); r++) {
    const int64_t bytes = static_cast<int64_t>(runs_[r].elements.size()) * tap_bytes_;
    const int64_t even = even_step(bytes);
    const int64_t piece =
        even > 0 ? even : kernels::whole_quads(divide_up(bytes, divide_up(bytes, kernels::kTileBytes)));
    step_bytes_ = std::max(step_bytes_, piece);
    for (int64_t begin = 0; begin < bytes; begin += piece) {
      step_runs_.push_back(r);
      steps_.push_back({runs_[r].elements, begin, std::min(piece, bytes - begin)});
    }
  }
}

std::vector<int64_t> CellSource::step_offsets(int64_t rows) const {
  std::vector<int64_t> offsets;
  for (size_t s = 0; s < steps_.size(); s++) {
    const auto& run = runs_[step_runs_[s]];
    const int64_t cell = run.row * width_ + run.column;
    offsets.push_back(static_cast<int64_t>(run.phase) * phase_bytes(rows) + cell * cell_bytes_ +
                      steps_[s].begin);
  }
  return offsets;
}

int64_t CellSource::copy_bytes(int64_t rows) const {
  return static_cast<int64_t>(phases_.size()) * phase_bytes(rows) +
         (columns_behind_ + kernels::kBlockSide) * cell_bytes_ + kernels::kTileBytes;
}

void CellSource::copy(const void* src, int64_t image, int64_t first, int64_t last, int64_t rows,
                      uint8_t zero_point, uint8_t* copied) const {
  const auto* base = static_cast<const uint8_t*>(src) + image * src_.strides[0];
  const int64_t row_bytes = width_ * cell_bytes_;
  for (size_t p = 0; p < phases_.size(); p++) {
    uint8_t* cells = copied + static_cast<int64_t>(p) * phase_bytes(rows);
    for (int64_t row = first; row < last + rows_behind_; row++, cells += row_bytes) {
      const int64_t y = row * stride_[0] + phases_[p].row - padding_[0];
      if (y < 0 || y >= src_.shape[2])
        std::memset(cells, zero_point, static_cast<size_t>(row_bytes));
      else
        copy_row(base + y * src_.strides[2], phases_[p], zero_point, cells);
    }
  }
}

void CellSource::copy_row(const uint8_t* row, const Phase& phase, uint8_t zero_point, uint8_t* cells) const {
  const int64_t channels = src_.shape[1], pixels = src_.shape[3], stride = stride_[1];
  // Cell j holds pixel j * stride + shift.
  const int64_t shift = phase.column - padding_[1];
  const int64_t begin = std::min(width_, shift >= 0 ? 0 : divide_up(-shift, stride));
  const int64_t end = std::clamp(shift >= pixels ? 0 : divide_up(pixels - shift, stride), begin, width_);
  std::memset(cells, zero_point, static_cast<size_t>(begin * cell_bytes_));
  std::memset(cells + end * cell_bytes_, zero_point, static_cast<size_t>((width_ - end) * cell_bytes_));
  const int64_t step = stride * src_.strides[3];
  const uint8_t* from = row + (begin * stride + shift) * src_.strides[3];
  uint8_t* to = cells + begin * cell_bytes_;
  if (step == channels && cell_bytes_ == channels) {
    std::memcpy(to, from, static_cast<size_t>((end - begin) * channels));
    return;
  }
  for (int64_t cell = begin; cell < end; cell++, from += step, to += cell_bytes_)
    std::memcpy(to, from, static_cast<size_t>(channels));
}

}  // namespace octavo
