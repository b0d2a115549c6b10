// A tensor with elements replaced by others, or combined with them, at places that index tensors choose.
#include <algorithm>
#include <optional>
#include <stdexcept>

#include "contract/table.h"
#include "kernels/elements/combination.h"
#include "rows/element.h"
#include "rows/pointwise.h"
#include "steps/movement/indexed_walk.h"

namespace octavo {

namespace {

kernels::Combination combination_of(const std::string& name) {
  if (name == "set") return kernels::Combination::set;
  if (name == "sum" || name == "mean") return kernels::Combination::sum;
  if (name == "prod") return kernels::Combination::product;
  if (name == "amax") return kernels::Combination::maximum;
  if (name == "amin") return kernels::Combination::minimum;
  throw std::invalid_argument("reduce must be 'set', 'sum', 'mean', 'prod', 'amax' or 'amin', got '" + name +
                              "'");
}

// Inputs: the tensor, the source if the attribute hasSource is true, the index tensors. Attributes besides
// those of IndexedWalk: shape, over which the walk goes and to which the source broadcasts, or which it
// covers; value, in place of a source; reduce; includeSelf.
class Scatter : public Step {
 public:
  explicit Scatter(const StepSpec& spec)
      : x_(spec, 0, "the tensor"),
        output_(spec.outputs.at(0)),
        value_(output_.dtype, spec.attributes.number("value", 0)),
        copy_(x_.desc(), output_, kernels::RowConversion::cast(x_.desc().dtype, output_.dtype)),
        shape_(spec.attributes.dims("shape")),
        mean_(spec.attributes.text("reduce", "set") == "mean"),
        includes_self_(spec.attributes.boolean("includeSelf", true)),
        combination_(combination_of(spec.attributes.text("reduce", "set"))) {
    if (x_.desc().dtype != output_.dtype || !output_.is_contiguous())
      throw std::invalid_argument("the output must be row-major, with the dtype of " + x_.desc().to_string());
    const bool has_source = spec.attributes.boolean("hasSource", true);
    if (has_source) read_source(spec);
    const Dims strides = source_ ? source_strides_ : Dims(shape_.size(), 0);
    walk_.emplace(spec, shape_, strides, output_, has_source ? 2 : 1, scratch_);
    combine_ = kernels::combine_row(combination_, output_.dtype);
    if (mean_) counts_ = scratch_.reserve(static_cast<size_t>(output_.numel()) * sizeof(int32_t));
  }

  void execute(const Buffers& buffers) override {
    char* out = static_cast<char*>(buffers.outputs[0]);
    // Checked before anything is written.
    const int64_t* offsets = walk_->offsets(buffers);
    copy_.execute(x_.data(buffers), out);
    if (!includes_self_ && combination_ != kernels::Combination::set) {
      const Element neutral(output_.dtype, kernels::neutral_value(combination_, output_.dtype));
      all(offsets, kernels::combine_row(kernels::Combination::set, output_.dtype), neutral.bytes(), false,
          out, dtype_size(output_.dtype));
    }
    const char* source = source_ ? static_cast<const char*>(source_->data(buffers)) : value_.bytes();
    all(offsets, combine_, source, true, out, dtype_size(output_.dtype));
    if (mean_) divide(offsets, out, buffers);
  }
  std::string implementation() const override { return "octavo:scatter"; }
  size_t scratchpad_bytes() const override { return scratch_.bytes(); }

 private:
  void read_source(const StepSpec& spec) {
    source_.emplace(spec, 1, "the source");
    const auto& source = source_->desc();
    if (source.dtype != output_.dtype)
      throw std::invalid_argument("the source must have the dtype of " + output_.to_string() + ", got " +
                                  source.to_string());
    // What the source has beyond the walk is not read.
    Dims read = source.shape;
    for (size_t i = 0; i < read.size() && read.size() == shape_.size(); i++)
      read[i] = read[i] == 1 ? 1 : std::min(read[i], shape_[i]);
    source_strides_ = broadcast_strides({source.dtype, read, source.strides}, shape_);
  }

  // Combines one after the other: several may have the same place.
  void all(const int64_t* offsets, kernels::CombineRow combine, const char* source, bool walks, char* out,
           size_t bytes) const {
    const auto size = static_cast<int64_t>(bytes);
    walk_->each_row(offsets, 0, [&](const IndexedWalk::Row& row) {
      combine(source + (walks ? row.walked * size : 0), walks ? row.walked_step : 0, out + row.indexed * size,
              row.indexed_step, row.offsets, row.offset_step, row.length);
    });
  }

  void divide(const int64_t* offsets, char* out, const Buffers& buffers) const {
    auto* counts = static_cast<int32_t*>(ScratchLayout::at(buffers.scratchpad, counts_));
    std::fill_n(counts, output_.numel(), includes_self_ ? 1 : 0);
    const int32_t one = 1;
    all(offsets, kernels::combine_row(kernels::Combination::sum, DType::s32),
        reinterpret_cast<const char*>(&one), false, reinterpret_cast<char*>(counts), sizeof one);
    kernels::divide_by_counts(output_.dtype, out, counts, output_.numel());
  }

  ScratchLayout scratch_;
  InputValue x_;
  TensorDesc output_;
  Element value_;
  StridedConversion copy_;
  Dims shape_, source_strides_;
  bool mean_, includes_self_;
  kernels::Combination combination_;
  std::optional<InputValue> source_;
  std::optional<IndexedWalk> walk_;
  kernels::CombineRow combine_ = nullptr;
  size_t counts_ = 0;
};
}  // namespace

std::unique_ptr<Step> create_scatter(const StepSpec& spec) { return std::make_unique<Scatter>(spec); }

}  // namespace octavo
