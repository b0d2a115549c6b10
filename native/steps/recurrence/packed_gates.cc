#include "steps/recurrence/packed_gates.h"

#include "onednn/version.h"

namespace octavo {

using kernels::Bfloat16;
using kernels::PanelIsa;

kernels::PanelIsa panel_isa() {
  if (onednn::has_avx512_vnni()) return PanelIsa::avx512_vnni;
  const std::string isa = onednn::effective_isa();
  if (isa == "avx512_core") return PanelIsa::avx512;
  return isa.rfind("avx2", 0) == 0 ? PanelIsa::avx2 : PanelIsa::baseline;
}

PackedGates::PackedGates(const StepSpec& spec, int index, int64_t gates, ScratchLayout& scratch)
    : weight_(spec, static_cast<size_t>(index), "a weight"),
      rows_{gates, weight_.desc().shape[0] / gates, weight_.desc().shape[1]},
      dtype_(weight_.desc().dtype) {
  if (const auto& constant = spec.inputs[static_cast<size_t>(index)].constant)
    constant_ = constant->packed(
        {"panels of " + std::to_string(gates) + " gates, " + layout_key(weight_.desc()), packed_bytes()},
        [&](void* into) { pack(constant->data().get(), into); });
  else
    packed_at_ = scratch.reserve(packed_bytes());
}

int64_t PackedGates::row_bytes() const {
  return dtype_ == DType::s8 ? rows_.byte_terms() : rows_.terms * static_cast<int64_t>(sizeof(float));
}

size_t PackedGates::packed_bytes() const {
  const auto columns = static_cast<size_t>(rows_.columns());
  if (dtype_ == DType::f32) return columns * static_cast<size_t>(rows_.terms) * sizeof(float);
  if (dtype_ == DType::bf16)
    return columns * static_cast<size_t>(rows_.grouped(kernels::kHalfGroup)) * sizeof(Bfloat16);
  return columns * (static_cast<size_t>(rows_.byte_terms()) + sizeof(int32_t));
}

void PackedGates::pack(const void* weight, void* into) const {
  if (dtype_ == DType::f32)
    return pack_panels(rows_, static_cast<const float*>(weight), static_cast<float*>(into));
  if (dtype_ == DType::bf16)
    return pack_panels(rows_, static_cast<const Bfloat16*>(weight), static_cast<Bfloat16*>(into));
  auto* panels = static_cast<int8_t*>(into);
  pack_panels(rows_, static_cast<const int8_t*>(weight), panels,
              reinterpret_cast<int32_t*>(panels + rows_.columns() * rows_.byte_terms()));
}

void PackedGates::prepare(const Buffers& buffers) {
  packed_ = constant_.get();
  if (constant_) return;
  void* packed = ScratchLayout::at(buffers.scratchpad, packed_at_);
  pack(weight_.data(buffers), packed);
  packed_ = packed;
}

void PackedGates::multiply(const void* const* rows, int64_t count, int64_t first, int64_t panels, float* sums,
                           int64_t sums_step, const kernels::ByteScale& scale) const {
  static const PanelIsa isa = panel_isa();
  const int64_t column = first * kernels::kPanelColumns;
  sums += column;
  const auto* floats = reinterpret_cast<const float* const*>(rows);
  if (dtype_ == DType::f32)
    return multiply_panels(isa, floats, count, rows_.terms,
                           static_cast<const float*>(packed_) + column * rows_.terms, panels, sums,
                           sums_step);
  if (dtype_ == DType::bf16)
    return multiply_panels(
        isa, floats, count, rows_.terms,
        static_cast<const Bfloat16*>(packed_) + column * rows_.grouped(kernels::kHalfGroup), panels, sums,
        sums_step);
  const auto* bytes = static_cast<const int8_t*>(packed_);
  const auto* column_sums =
      reinterpret_cast<const int32_t*>(bytes + rows_.columns() * rows_.byte_terms()) + column;
  multiply_panels(isa, reinterpret_cast<const uint8_t* const*>(rows), count, rows_.byte_terms(),
                  bytes + column * rows_.byte_terms(), column_sums, scale, panels, sums, sums_step);
}

}  // namespace octavo
