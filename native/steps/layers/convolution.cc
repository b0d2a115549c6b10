// Convolution of signals [N, C, L], images [N, C, H, W] and volumes [N, C, D, H, W], float or, of signals and
// images, quantized, with what is fused into it. It computes on channels-last images, or on float32 images in
// channel blocks if one of its operands is. Operands in another memory format are reordered first, and so is
// the result afterwards.
#include "contract/candidates.h"
#include "contract/table.h"
#include "kernels/tiles/tile_product.h"
#include "onednn/version.h"
#include "operands/epilogue_numbers.h"
#include "operands/float32_fallback.h"
#include "steps/layers/convolution_call.h"
#include "steps/layers/depthwise_layer.h"
#include "steps/layers/exact/exact_layer.h"
#include "steps/layers/merged_groups.h"
#include "steps/layers/padded_source.h"
#include "steps/layers/plain_convolution.h"
#include "steps/layers/row_pieces.h"
#include "steps/layers/tiles/tile_layer.h"

namespace octavo {

namespace {
std::unique_ptr<Step> create(const StepSpec& spec);

constexpr const char* kHasFast = "oneDNN has a fast kernel";
constexpr const char* kHasChosen = "oneDNN has the kernel that was asked for";

std::string is_slow(const ConvolutionCall::Made& made) { return made.implementation().name + " is slow"; }

Refusal always(ConvolutionCall&) { return std::nullopt; }

Refusal refuse_blocks(ConvolutionCall& call) {
  if (!call.convolution.touches_blocks()) return "neither image is in blocks of channels";
  return std::nullopt;
}

Attempt make_in_blocks(ConvolutionCall& call) {
  auto made = call.make_in_blocks();
  if (made.implementation().is_slow()) return {nullptr, is_slow(made)};
  return {call.step_of(std::move(made))};
}

Refusal refuse_exact(ConvolutionCall& call) {
  const bool is_wanted = call.convolution.problem.kernel.find("octavo:exact") != std::string::npos;
  if (is_wanted && has_exact_layers(call.convolution.src.dtype)) return std::nullopt;
  return exact_layer_refusal(call.spec);
}

LayerProblem layer_of(const ConvolutionCall& call) {
  const auto& spec = call.spec;
  const auto& c = call.convolution;
  LayerProblem layer{c.problem, c.weight, c.groups, std::nullopt};
  layer.convolution.src = c.src;
  layer.convolution.dst = c.dst;
  if (call.inputs.addend >= 0)
    layer.addend = as_image(spec.inputs[call.inputs.addend].desc, spec.outputs[0].shape.size());
  return layer;
}

Attempt make_exact(ConvolutionCall& call) {
  return {create_exact_layer(call.spec, layer_of(call), call.inputs, call.fusion)};
}

// With VNNI, oneDNN's kernels are up to 1.2 times as fast for larger windows, and up to 1.15 times for
// windows of a pixel whose function is a line; Octavo's are 1.2 times as fast with other functions, and 2 to
// 4 times for less than a tile of pixels (EfficientNet-B0 and ResNet-50 on a Zen 5).
bool is_for_vnni(const LayerProblem& layer, const onednn::Fusion& fusion) {
  const auto &shape = layer.convolution.src.shape, &stride = layer.convolution.stride;
  if (layer.weight.shape[2] != 1 || layer.weight.shape[3] != 1 || stride[0] != 1 || stride[1] != 1)
    return false;
  const bool is_line = !fusion.unary || EpilogueNumbers::is_line(*fusion.unary);
  return !is_line || shape[0] * shape[2] * shape[3] < kernels::kTileSide;
}

Refusal refuse_tiles(ConvolutionCall& call) {
  const auto& kernel = call.convolution.problem.kernel;
  if (!kernel.empty() && kernel.find(tile_layer_name()) == std::string::npos)
    return "another kernel was asked for";
  if (call.convolution.weight.shape.size() != 4) return "is for images";
  const auto layer = layer_of(call);
  if (auto refusal = tile_layer_refusal(call.spec, layer, call.fusion)) return refusal;
  if (kernel.empty() && !onednn::has_amx() && !is_for_vnni(layer, call.fusion))
    return "oneDNN's kernels are faster for it without AMX";
  return std::nullopt;
}

Attempt make_tiles(ConvolutionCall& call) {
  return {create_tile_layer(call.spec, layer_of(call), call.inputs, call.fusion)};
}

Refusal refuse_row_pieces(ConvolutionCall& call) {
  return row_pieces_refusal(call.spec, call.convolution, call.inputs);
}

// A padded image is first copied into one that contains its padding: then all pieces but the last are alike.
Attempt make_row_pieces(ConvolutionCall& call) {
  if (is_padded(call.convolution.problem)) return {create_padded_source(call.spec, call.convolution, create)};
  return {create_row_pieces(call.spec, call.convolution, call.inputs, create)};
}

Refusal refuse_plain(ConvolutionCall& call) {
  const auto& c = call.convolution;
  if (c.touches_blocks()) return "an image is in blocks of channels";
  return plain_convolution_refusal(call.spec, c.problem, call.fusion, c.src, c.dst);
}

Attempt make_plain(ConvolutionCall& call) {
  const auto& c = call.convolution;
  return {create_plain_convolution(call.spec, c.problem, c.src, call.weight_view(), c.dst)};
}

Refusal refuse_depthwise(ConvolutionCall& call) {
  const auto& c = call.convolution;
  if (c.touches_blocks()) return "an image is in blocks of channels";
  const auto& weight = call.spec.inputs[1];
  if (weight.constant && !weight.desc.is_contiguous()) return "the weight is constant and not row-major";
  const auto reason = depthwise_layer_refusal(c, call.fusion);
  if (reason || !c.problem.kernel.empty() || !is_for_brdgmm(c, call.fusion)) return reason;
  const auto& name = call.channels_last().implementation().name;
  if (name.rfind("brdgmm_dw", 0) == 0) return name + " is faster where windows share few columns";
  return std::nullopt;
}

Attempt make_depthwise(ConvolutionCall& call) {
  return {create_depthwise_layer(call.spec, call.convolution, call.inputs, call.fusion)};
}

Refusal refuse_unless_fast(ConvolutionCall& call) {
  const auto& made = call.channels_last();
  if (made.implementation().is_slow()) return is_slow(made);
  if (is_padded(made.problem) && made.fused.padding_hinders && !made.chosen)
    return made.implementation().name + " is for want of AMX, which padding hinders";
  return std::nullopt;
}

Refusal refuse_exact_for_speed(ConvolutionCall& call) {
  if (!call.channels_last().implementation().is_slow()) return kHasFast;
  if (!has_exact_layers(call.convolution.src.dtype)) return exact_layer_refusal(call.spec);
  return std::nullopt;
}

Refusal refuse_merged(ConvolutionCall& call) {
  const auto& made = call.channels_last();
  if (!made.implementation().is_slow()) return kHasFast;
  if (made.chosen) return kHasChosen;
  return std::nullopt;
}

Attempt make_merged(ConvolutionCall& call) {
  const auto merged = with_merged_groups(call.spec);
  if (!merged) return {nullptr, "there are no groups of constant weights to join"};
  return {create(*merged)};
}

Refusal refuse_padded_source(ConvolutionCall& call) {
  const auto& made = call.channels_last();
  if (!is_padded(made.problem)) return "there is no padding";
  if (!made.fused.padding_hinders && !made.implementation().is_reference)
    return "padding keeps it from no kernel";
  if (made.chosen) return kHasChosen;
  return std::nullopt;
}

Attempt make_padded_source(ConvolutionCall& call) {
  return {create_padded_source(call.spec, call.convolution, create)};
}

Attempt make_channels_last(ConvolutionCall& call) { return {call.step_of(std::move(call.channels_last()))}; }

// In order of preference.
const Candidate<ConvolutionCall> candidates[] = {
    {"oneDNN in blocks of channels", refuse_blocks, make_in_blocks},
    {"octavo:exact", refuse_exact, make_exact},
    {"octavo:tiles", refuse_tiles, make_tiles},
    {"octavo:pieces of rows", refuse_row_pieces, make_row_pieces},
    {"oneDNN in layouts of its choice", refuse_plain, make_plain},
    {"octavo:depthwise", refuse_depthwise, make_depthwise},
    {"oneDNN channels-last", refuse_unless_fast, make_channels_last},
    {"octavo:exact where oneDNN is slow", refuse_exact_for_speed, make_exact},
    {"fewer groups", refuse_merged, make_merged},
    {"octavo:pad before it", refuse_padded_source, make_padded_source},
    {"oneDNN channels-last, however slow", always, make_channels_last},
};

std::unique_ptr<Step> create(const StepSpec& spec) {
  ConvolutionCall call(spec);
  return create_preferred(candidates, call);
}
}  // namespace

std::unique_ptr<Step> create_convolution(const StepSpec& spec) { return with_float32_fallback(spec, create); }

}  // namespace octavo
