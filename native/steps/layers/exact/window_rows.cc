#include "steps/layers/exact/window_rows.h"

#include <algorithm>

#include "kernels/integer_product.h"

namespace octavo {

namespace {
// A kernel of one element reads only every stride-th pixel: this makes it a dense convolution of a
// subsampled image.
void thin(TensorDesc& src, Dims& stride, const Dims& output) {
  for (size_t i = 0; i < 2; i++) {
    src.strides[2 + i] *= stride[i];
    src.shape[2 + i] = output[2 + i];
    stride[i] = 1;
  }
}
}  // namespace

WindowRows::WindowRows(const onednn::ConvolutionProblem& problem)
    : src_(problem.src),
      kernel_(problem.weights.end() - 2, problem.weights.end()),
      stride_(problem.stride),
      dilation_(problem.dilation),
      padding_(problem.padding_begin),
      channels_(src_.shape[1]) {
  if (kernel_ == Dims{1, 1} && padding_ == Dims{0, 0}) thin(src_, stride_, problem.dst.shape);
  columns_ = (problem.dst.shape[3] - 1) * stride_[1] + (kernel_[1] - 1) * dilation_[1] + 1;
}

int64_t WindowRows::size(int64_t rows) const {
  return ((rows - 1) * stride_[0] + (kernel_[0] - 1) * dilation_[0] + 1) * row_size();
}

int64_t WindowRows::tap_offset(int64_t i, int64_t j) const {
  return (i * dilation_[0] * columns_ + j * dilation_[1]) * channels_;
}

int64_t WindowRows::window_offset(int64_t row, int64_t column) const {
  return (row * stride_[0] * columns_ + column * stride_[1]) * channels_;
}

void WindowRows::read(const void* src, int64_t image, int64_t first, int64_t last, int16_t zero_point,
                      int16_t* written) const {
  const int64_t begin = first * stride_[0] - padding_[0], rows = size(last - first) / row_size();
  const char* base = static_cast<const char*>(src) + image * src_.strides[0];
  for (int64_t row = begin; row < begin + rows; row++, written += row_size()) {
    if (row < 0 || row >= src_.shape[2])
      std::fill_n(written, row_size(), int16_t{0});
    else
      read_row(base + row * src_.strides[2], zero_point, written);
  }
}

void WindowRows::read_row(const char* row, int16_t zero_point, int16_t* written) const {
  const int64_t left = std::min(padding_[1], columns_);
  const int64_t inside = std::min(src_.shape[3], columns_ - left);
  const auto widen = [&](int64_t pixel, int64_t count, int16_t* to) {
    const char* from = row + pixel * src_.strides[3];
    if (src_.dtype == DType::u8)
      kernels::widen_row(reinterpret_cast<const uint8_t*>(from), zero_point, to, count);
    else
      kernels::widen_row(reinterpret_cast<const int8_t*>(from), zero_point, to, count);
  };
  std::fill_n(written, left * channels_, int16_t{0});
  int16_t* pixels = written + left * channels_;
  if (src_.strides[3] == channels_)
    widen(0, inside * channels_, pixels);
  else
    for (int64_t i = 0; i < inside; i++) widen(i, channels_, pixels + i * channels_);
  std::fill_n(pixels + inside * channels_, (columns_ - left - inside) * channels_, int16_t{0});
}

}  // namespace octavo
