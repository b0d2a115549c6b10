#include "onednn/convolution_faults.h"

#include <algorithm>
#include <set>

namespace octavo::onednn {

namespace {
int64_t div_up(int64_t a, int64_t b) { return (a + b - 1) / b; }

struct Shape {
  explicit Shape(const ConvolutionProblem& problem)
      : groups(problem.weights.size() > problem.src.shape.size() ? problem.weights[0] : 1),
        group_outputs(problem.weights.end()[-2 - problem.axes()]),
        group_inputs(problem.weights.end()[-1 - problem.axes()]),
        kernel(problem.weights.end() - problem.axes(), problem.weights.end()),
        input(problem.src.shape.begin() + 2, problem.src.shape.end()),
        output(problem.dst.shape.begin() + 2, problem.dst.shape.end()) {
    for (size_t i = 0; i < kernel.size(); i++) {
      padded = padded || problem.padding_begin[i] > 0 || problem.padding_end[i] > 0;
      skips = skips || problem.stride[i] > kernel[i];
      dilated = dilated || (i + 1 < kernel.size() && problem.dilation[i] > 1);
      places *= kernel[i];
      pixels *= output[i];
    }
  }

  bool is_depthwise() const { return groups > 1 && group_inputs == 1 && group_outputs == 1; }

  int64_t groups, group_outputs, group_inputs;
  Dims kernel, input, output;
  int64_t places = 1, pixels = 1;  // of the kernel, of the output
  bool padded = false;
  bool skips = false;    // a stride is longer than the kernel
  bool dilated = false;  // across rows
};

// Whether some output element reads only padding.
bool has_empty_windows(const ConvolutionProblem& problem, const Shape& shape) {
  for (size_t i = 0; i < shape.kernel.size(); i++) {
    const auto first_of = [&](int64_t o) { return o * problem.stride[i] - problem.padding_begin[i]; };
    const auto is_empty = [&](int64_t o) {
      for (int64_t k = 0; k < shape.kernel[i]; k++) {
        const int64_t at = first_of(o) + k * problem.dilation[i];
        if (at >= 0 && at < shape.input[i]) return false;
      }
      return true;
    };
    // Only windows that begin in the padding can be empty: those at either end.
    for (int64_t o = 0; o < shape.output[i] && first_of(o) < 0; o++)
      if (is_empty(o)) return true;
    for (int64_t o = shape.output[i] - 1; o >= 0 && first_of(o) >= shape.input[i]; o--)
      if (is_empty(o)) return true;
  }
  return false;
}

// Output elements whose windows begin or end in the padding, on the side that has more of them.
int64_t padded_results(const ConvolutionProblem& problem, size_t axis) {
  return div_up(std::max(problem.padding_begin[axis], problem.padding_end[axis]), problem.stride[axis]);
}

#if !OCTAVO_ONEDNN_3
// Output elements whose windows end in the padding at the right.
int64_t results_over_the_right(const ConvolutionProblem& problem, const Shape& shape) {
  const int64_t stride = problem.stride.back();
  const int64_t span = (shape.kernel.back() - 1) * problem.dilation.back() + 1;
  const int64_t last = (shape.output.back() - 1) * stride - problem.padding_begin.back() + span;
  return div_up(std::max<int64_t>(last - shape.input.back(), 0), stride);
}

bool computes_exponentials(const Fusion& fusion) {
  static const std::set<std::string> functions = {"swish", "sigmoid", "gelu_erf", "gelu_tanh", "tanh"};
  return fusion.unary && functions.count(fusion.unary->algorithm) > 0;
}
#endif
}  // namespace

const char* fault_of(const Implementation& implementation, const ConvolutionProblem& problem,
                     const Fusion& fusion, AddendForm form) {
  const Shape shape(problem);
  const bool brgemm = implementation.contains("brgconv:") || implementation.contains("brg_conv_fwd:");
  const bool brdgmm = implementation.contains("brdgmm");
  const bool amx = implementation.is_amx;
  const bool amx_tiles = amx && implementation.contains("jit:");
  const bool zero_point = fusion.src_zero_point != 0 && fusion.weight_sums.empty();
  const bool binary = fusion.addend && form == AddendForm::binary;

  // The buffer of copied source rows is too small (mended after 3.12): overwritten sources, and writes past
  // the scratchpad.
  if (brgemm && shape.skips) return "wrong where the stride skips rows or columns";
  // Where nothing is multiplied, post-operations run with a stale pointer to their constants, or zero points
  // count.
  if ((brgemm || brdgmm) && has_empty_windows(problem, shape)) return "wrong where a window is all padding";
  // Taken for a per-channel addend, at wrong offsets.
  if (brdgmm && binary && shape.pixels == 1) return "adds wrong elements to images of one pixel";
  if (implementation.contains("jit_bf16_1x1") && binary) return "adds wrong elements";
  if (implementation.contains("ip:ref")) return "a reference kernel in an inner product's name";
  // For some numbers of pixels: 27, 33, 36, 39, …
  if (amx && implementation.contains("jit_1x1:")) return "writes past the destination";
  // Past the destination even.
  if ((amx_tiles || (amx && brgemm)) && zero_point && shape.padded && problem.padding_begin.back() == 0)
    return "compensates wrongly for rows padded above or below, not at the left";
  // Code for rows and columns that need compensation is generated per block of one to six rows
  // (set_oh_blk_limits and dispatch_icb_loop count these blocks differently) and of up to 32 columns. A model
  // of both counts over 1.6 million problems finds no difference below 4 rows and 23 columns; beyond it the
  // last block runs the code of another one, or jumps past the table.
  if (amx_tiles && zero_point && (padded_results(problem, 0) >= 4 || padded_results(problem, 1) >= 16))
    return "compensates wrongly for wide padding, or crashes";
  // Weights of eight channels by eight places are transposed by code that forgets the compensation.
  const bool compensated = zero_point || problem.src.dtype == DType::s8;
  if (implementation.contains("jit_uni_int8") && shape.is_depthwise() && compensated && shape.places == 8)
    return "loses the compensation of kernels of eight places";
  // On 2.6, of 2,160 problems without compensation 750 were wrong with AVX2 and VNNI, of kernels of all
  // widths but 3, on 7 to 16 and 40 channels, and 542 with SSE 4.1; of 6,480 with it none. Whether others are
  // depends on how many columns are computed at once. 3.7 has the same fault.
  const bool seen_right = implementation.contains("avx2_vnni") && shape.kernel.back() == 3;
  if (implementation.contains("jit_uni_int8") && shape.is_depthwise() && fusion.addend && !compensated &&
      !seen_right)
    return "adds wrong elements where nothing is compensated";
#if OCTAVO_ONEDNN_3
  // Too few rows of compensation are counted, on the heap and in the scratchpad.
  if (brgemm && compensated && shape.padded && shape.dilated)
    return "too little memory for compensation where a dilated kernel hangs over the edge";
  // Of 7,552 problems on 3.7 with AVX-512 VNNI all of one int8 channel, of kernels of several rows and with
  // padding at the sides, were wrong, and no others. On 3.12 some of more than 16 channels are, with zero
  // points and without padding too.
  if (brgemm && compensated && shape.group_inputs == 1) return "compensates wrongly for one channel";
  // Of 4,500 random problems on 3.7 and 3.12 one in a hundred, all of 4 or 20 channels.
  const bool brgemm_1x1 = implementation.contains("brgconv_1x1:");
  if ((brgemm || brgemm_1x1) && implementation.isa == "avx2_vnni" && binary && shape.group_outputs % 8 != 0)
    return "adds wrong elements to the last channels of a group";
  // On 3.7 some of 8 channels by 8 and a few others, one in 300. Packed by code that forgets the
  // compensation.
  if (implementation.contains("gemm_s8") && compensated && shape.places == 1)
    return "loses the compensation of 1x1 kernels";
  // Nearly all results of 6x12, 2x8 and 5x12 kernels on 8 channels, with strides (3.7, random problems); wide
  // of what is known.
  const bool wide_rows = shape.kernel.back() * shape.group_inputs >= 64;
  if (brgemm && amx && problem.src.dtype == DType::bf16 && shape.group_inputs < 16 && wide_rows)
    return "wrong for wide kernels on few channels in bfloat16";
  // All rows but the first come out wrong.
  if (brgemm && shape.output.back() == 1 && problem.stride.back() > 1)
    return "wrong for one strided window a row";
  if (brgemm && zero_point && shape.padded && shape.output.back() > 128)
    return "slow: computes compensations again for long rows";
  if (brgemm && amx && shape.groups > 1 && shape.group_inputs < 16) return "slow: tiles are mostly padding";
#else
  // Blocks of 8 or 4 channels take registers that vroundps of the exponential function cannot name.
  const bool narrow = shape.groups > 1 && (shape.group_inputs % 16 != 0 || shape.group_outputs % 16 != 0);
  const bool jit_avx512 = implementation.contains("jit") && implementation.contains(":avx512_core") && !amx;
  if (jit_avx512 && narrow && !shape.is_depthwise() && computes_exponentials(fusion))
    return "cannot be compiled with this function for few channels a group";
  // One full block of results with a tail: the block ignores padding at the right, though it hangs over the
  // tail. Blocks are chosen so that this takes an odd number of results of which more than half hang over.
  const int64_t over = results_over_the_right(problem, shape);
  if (brgemm && !amx && over >= 4 && 2 * over - 1 <= shape.output.back())
    return "reads past the right edge where much of a row hangs over it";
  // The tail's length is taken from one group's channels.
  if (implementation.contains("jit_uni_int8") && shape.is_depthwise() && binary && shape.groups % 8 != 0)
    return "adds wrong elements to the last channels";
#endif
  return nullptr;
}

ConvolutionProblem without_padding(ConvolutionProblem problem) {
  for (size_t i = 0; i < problem.stride.size(); i++) {
    problem.src.shape[2 + i] += problem.padding_begin[i] + problem.padding_end[i];
    problem.padding_begin[i] = problem.padding_end[i] = 0;
  }
  problem.src = channels_last(problem.src);
  return problem;
}

bool adds_in_16_bits(const Implementation& implementation, DType src) {
  if (!is_byte(src)) return false;
  const auto& isa = implementation.isa;
  return isa == "sse41" || isa == "avx2" || isa == "avx512_core";
}

}  // namespace octavo::onednn
