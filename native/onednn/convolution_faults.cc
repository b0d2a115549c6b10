#include "onednn/convolution_faults.h"

namespace octavo::onednn {

namespace {
bool contains(const std::string& text, const char* part) { return text.find(part) != std::string::npos; }

struct Shape {
  explicit Shape(const ConvolutionProblem& problem)
      : groups(problem.weights.size() == 5 ? problem.weights[0] : 1),
        group_inputs(problem.weights[problem.weights.size() - 3]),
        kernel(problem.weights.end() - 2, problem.weights.end()),
        input(problem.src.shape.end() - 2, problem.src.shape.end()),
        output(problem.dst.shape.end() - 2, problem.dst.shape.end()) {
    for (size_t i = 0; i < 2; i++)
      padded = padded || problem.padding_begin[i] > 0 || problem.padding_end[i] > 0;
  }

  int64_t groups, group_inputs;
  Dims kernel, input, output;
  bool padded = false;
};

// Whether some output element sees nothing but padding.
bool has_empty_windows(const ConvolutionProblem& problem, const Shape& shape) {
  for (size_t i = 0; i < 2; i++) {
    for (int64_t o = 0; o < shape.output[i]; o++) {
      bool empty = true;
      for (int64_t k = 0; k < shape.kernel[i] && empty; k++) {
        const int64_t at = o * problem.stride[i] - problem.padding_begin[i] + k * problem.dilation[i];
        empty = at < 0 || at >= shape.input[i];
      }
      if (empty) return true;
    }
  }
  return false;
}
}  // namespace

bool is_faulty(const std::string& implementation, const ConvolutionProblem& problem, const Fusion& fusion,
               AddendForm form) {
  const Shape shape(problem);
  const bool brgemm = contains(implementation, "brgconv:") || contains(implementation, "brg_conv_fwd:");
  const bool brdgmm = contains(implementation, "brdgmm");
  const bool amx = contains(implementation, "amx");
  const bool zero_point = fusion.src_zero_point != 0 && fusion.weight_sums.empty();

  // The buffer of copied source rows is too small where the stride skips rows (mended in oneDNN after 3.12):
  // overwritten sources, and writes past the scratchpad.
  if (brgemm && (problem.stride[0] > shape.kernel[0] || problem.stride[1] > shape.kernel[1])) return true;
  // Where nothing is multiplied, post-operations run with a stale pointer to their constants, or zero points
  // count.
  if ((brgemm || brdgmm) && has_empty_windows(problem, shape)) return true;
  // A whole-tensor binary post-op on images of one pixel is taken for a per-channel one, at wrong offsets.
  if (brdgmm && fusion.addend && form == AddendForm::binary && shape.output == Dims{1, 1}) return true;
  // Binary post-ops read from wrong offsets.
  if (contains(implementation, "jit_bf16_1x1") && fusion.addend && form == AddendForm::binary) return true;
  // Kernels as large as the image are handed to the inner product, and may end in its reference kernel.
  if (contains(implementation, "ip:ref")) return true;
  // Writes past the destination for some numbers of pixels: 27, 33, 36, 39, …
  if (amx && contains(implementation, "jit_1x1:")) return true;
  // Compensations of padding above or below go wrong, past the destination even, where there is none at the
  // left.
  if (amx && (brgemm || contains(implementation, "jit:")) && zero_point && shape.padded &&
      problem.padding_begin[1] == 0)
    return true;
#if OCTAVO_ONEDNN_3
  // Too few rows of compensation are counted, on the heap and in the scratchpad, where a dilated kernel hangs
  // over the edge.
  if (brgemm && (zero_point || problem.src.dtype == DType::s8) && shape.padded && problem.dilation[0] > 1)
    return true;
  // Strided windows of which there is one a row: all rows but the first come out wrong.
  if (brgemm && shape.output[1] == 1 && problem.stride[1] > 1) return true;
  // Slow: compensations computed with the convolution itself, in rows this long.
  if (brgemm && zero_point && shape.padded && shape.output[1] > 128) return true;
  // Slow: tiles that are mostly padding.
  if (brgemm && amx && shape.groups > 1 && shape.group_inputs < 16) return true;
#endif
  return false;
}

bool adds_in_16_bits(const std::string& implementation, DType src) {
  if (!is_byte(src)) return false;
  const auto isa = implementation.substr(implementation.rfind(':') + 1);
  return isa == "sse41" || isa == "avx2" || isa == "avx512_core";
}

}  // namespace octavo::onednn
