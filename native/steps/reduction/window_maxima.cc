#include "steps/reduction/window_maxima.h"

#include "kernels/window_maximum.h"

namespace octavo {

bool WindowMaxima::takes(const PoolProblem& problem) {
  return problem.algorithm == PoolAlgorithm::max && kernels::has_maximum_of_windows(problem.src.dtype);
}

WindowMaxima::WindowMaxima(const TensorDesc& src, const TensorDesc& dst, const PoolAxis& down,
                           const PoolAxis& across)
    : dtype_(src.dtype),
      element_(static_cast<int64_t>(dtype_size(src.dtype))),
      row_step_(src.strides[2]),
      pixel_step_(src.strides[3]),
      result_step_(dst.strides[3]),
      down_(down),
      across_(across) {
  find_stretches();
  // Elements looked at for one result. What goes through memory must save half of them.
  const int64_t at_once = down.kernel * across.kernel;
  const int64_t apart = down.kernel * across.stride + across.kernel;
  separately_ = 2 * at_once > 3 * apart;
}

void WindowMaxima::find_stretches() {
  for (int64_t column = 0; column < across_.out; column++) {
    const PoolWindow window = across_.window(column);
    if (!stretches_.empty()) {
      auto& [first, count, like] = stretches_.back();
      const int64_t moved = (column - first) * across_.stride;
      if (window.begin == like.begin + moved && window.end == like.end + moved) {
        count++;
        continue;
      }
    }
    stretches_.push_back({column, 1, window});
  }
}

size_t WindowMaxima::scratch_bytes(int64_t channels) const {
  return separately_ ? static_cast<size_t>(across_.in * channels * element_) : 0;
}

void WindowMaxima::row(const char* src, char* dst, int64_t row, int64_t channels, void* scratch) const {
  const PoolWindow y = down_.window(row);
  const char* rows = src + y.begin * row_step_ * element_;
  const int64_t step = y.step * row_step_;
  if (!separately_) return across(rows, y.inside(), step, pixel_step_, dst, channels);
  kernels::maximum_of_windows({across_.in, pixel_step_, channels, y.inside(), step, 1, 0}, dtype_, rows,
                              scratch, channels);
  across(static_cast<const char*>(scratch), 1, 0, channels, dst, channels);
}

void WindowMaxima::across(const char* rows, int64_t count, int64_t row_step, int64_t pixel_step, char* dst,
                          int64_t channels) const {
  for (const auto& [column, alike, x] : stretches_)
    kernels::maximum_of_windows(
        {alike, across_.stride * pixel_step, result_step_, count, row_step, x.inside(), x.step * pixel_step},
        dtype_, rows + x.begin * pixel_step * element_, dst + column * result_step_ * element_, channels);
}

}  // namespace octavo
