// Transposed convolution of signals, images and volumes, in float32 or bfloat16. Every pixel of the input is
// multiplied with every place of the kernel, in one product of matrices; a pixel of the output is the sum of
// the products that meet there. No zeros between the pixels are multiplied, for any stride.
#include <algorithm>
#include <optional>

#include "contract/table.h"
#include "kernels/parallel.h"
#include "kernels/pixel_sums.h"
#include "onednn/matmul.h"
#include "operands/float32_fallback.h"
#include "operands/operand.h"
#include "rows/strided.h"
#include "steps/layers/transposed_problem.h"

namespace octavo {

namespace {
// Products that are held at once, in elements: they stay in the cache until they are added up.
constexpr int64_t kProducts = 256 * 1024;

// As many images as there is room for: a divisor of their number.
int64_t images_at_once(const TransposedProblem& p) {
  const int64_t products = p.in_pixels() * p.places() * p.groups * p.out;
  int64_t images = std::clamp<int64_t>(kProducts / products, 1, p.batch);
  while (p.batch % images != 0) images--;
  return images;
}

// [C, O / G, places] as [G, C / G, places * O / G]: what a pixel of the input is multiplied with.
class Weight {
 public:
  Weight(const StepInput& weight, const TransposedProblem& p, ScratchLayout& scratch)
      : desc_{weight.desc.dtype, {p.groups, p.in, p.places() * p.out}, {}},
        move_(given(weight.desc, p), dense(weight.desc, p), kernels::RowConversion::move(weight.desc.dtype)) {
    desc_.strides = row_major_strides(desc_.shape);
    if (weight.constant)
      input_ = {desc_,
                weight.constant->derived("places before outputs", [&] { return moved(*weight.constant); })};
    else
      offset_ = scratch.reserve(desc_.span_bytes());
  }

  const TensorDesc& desc() const { return desc_; }
  // How the product has it: packed once where it is constant.
  void pack(const dnnl::memory::desc& wanted, ScratchLayout& scratch) {
    if (input_.constant) packed_.emplace(input_, onednn::to_onednn(desc_), wanted, scratch);
  }
  const void* resolve(const void* data, void* scratchpad) {
    if (packed_) return packed_->resolve(nullptr, scratchpad);
    void* target = ScratchLayout::at(scratchpad, offset_);
    move_.execute(data, target);
    return target;
  }

 private:
  static TensorDesc given(const TensorDesc& weight, const TransposedProblem& p) {
    const int64_t places = p.places();
    return {weight.dtype, {p.groups * p.in, places, p.out}, {places * p.out, 1, places}};
  }
  static TensorDesc dense(const TensorDesc& weight, const TransposedProblem& p) {
    const Dims shape = {p.groups * p.in, p.places(), p.out};
    return {weight.dtype, shape, row_major_strides(shape)};
  }
  std::shared_ptr<Constant> moved(Constant& weight) const {
    std::vector<char> elements(desc_.span_bytes());
    move_.execute(weight.data().get(), elements.data());
    return std::make_shared<Constant>(desc_, elements.data());
  }

  TensorDesc desc_;
  StridedConversion move_;
  StepInput input_;
  std::optional<Operand> packed_;
  size_t offset_ = 0;
};

class TransposedConvolution : public Step {
 public:
  explicit TransposedConvolution(const StepSpec& spec)
      : p_(read_transposed(spec)),
        images_(images_at_once(p_)),
        src_(spec.inputs[0], spec.inputs[0].desc, channels_last(spec.inputs[0].desc), scratch_),
        src_bytes_(static_cast<int64_t>(dtype_size(spec.inputs[0].desc.dtype))),
        weight_(spec.inputs[1], p_, scratch_) {
    const int64_t pixels = images_ * p_.in_pixels(), columns = p_.places() * p_.out;
    const TensorDesc a{spec.inputs[0].desc.dtype, {p_.groups, pixels, p_.in}, {p_.in, p_.groups * p_.in, 1}};
    const TensorDesc products{
        DType::f32, {p_.groups, pixels, columns}, row_major_strides({p_.groups, pixels, columns})};
    const auto layout = spec.inputs[1].constant ? onednn::Weights::packed : onednn::Weights::as_given;
    onednn::Rejections rejections;
    product_.emplace(
        onednn::make_product({a, weight_.desc(), products, layout, std::nullopt, 1, 1}, rejections));
    add_rejections(std::move(rejections));
    weight_.pack(product_->b, scratch_);
    product_scratch_ = scratch_.reserve(product_->primitive.scratchpad_bytes());
    products_ = scratch_.reserve(products.span_bytes());
    if (spec.attributes.boolean("hasBias", false)) read_bias(spec);
    const TensorDesc& given = spec.outputs[0];
    TensorDesc sums = channels_last(given);
    sums.dtype = DType::f32;
    if (given.dtype == DType::f32 && layout_of(sums) == layout_of(given)) return;
    sums_ = scratch_.reserve(sums.span_bytes());
    const auto store = given.dtype == DType::f32 ? kernels::RowConversion::move(DType::f32)
                                                 : kernels::RowConversion::cast(DType::f32, given.dtype);
    store_.emplace(sums, given, store);
  }

  void execute(const Buffers& buffers) override {
    const auto at = [&](size_t offset) { return ScratchLayout::at(buffers.scratchpad, offset); };
    auto* sums = static_cast<float*>(store_ ? at(sums_) : buffers.outputs[0]);
    auto* products = static_cast<float*>(at(products_));
    const auto* src = static_cast<const char*>(src_.resolve(buffers.inputs[0], buffers.scratchpad));
    const float* bias = bias_of(buffers);
    auto& primitive = product_->primitive;
    primitive.bind(DNNL_ARG_WEIGHTS, weight_.resolve(buffers.inputs[1], buffers.scratchpad));
    primitive.bind(DNNL_ARG_DST, products);
    for (int64_t image = 0; image < p_.batch; image += images_) {
      primitive.bind(DNNL_ARG_SRC, src + image * p_.in_pixels() * p_.groups * p_.in * src_bytes_);
      primitive.execute(at(product_scratch_));
      add_up(products, bias, sums + image * p_.out_pixels() * channels());
    }
    if (store_) store_->execute(sums, buffers.outputs[0]);
  }

  std::string implementation() const override {
    return src_.prefix() + product_->primitive.implementation().name + "+octavo:sums" +
           (store_ ? "+octavo:copy" : "");
  }
  size_t scratchpad_bytes() const override { return scratch_.bytes(); }

 private:
  int64_t channels() const { return p_.groups * p_.out; }

  void read_bias(const StepSpec& spec) {
    const auto& desc = spec.inputs[2].desc;
    if (spec.inputs[2].constant) constant_bias_ = spec.inputs[2].constant->data();
    has_bias_ = true;
    if (desc.dtype == DType::f32) return;
    widened_bias_ = scratch_.reserve(static_cast<size_t>(desc.numel()) * sizeof(float));
    widen_bias_.emplace(kernels::RowConversion::cast(desc.dtype, DType::f32));
  }

  const float* bias_of(const Buffers& buffers) const {
    if (!has_bias_) return nullptr;
    const void* given = constant_bias_ ? constant_bias_.get() : buffers.inputs[2];
    if (!widen_bias_) return static_cast<const float*>(given);
    auto* wide = static_cast<float*>(ScratchLayout::at(buffers.scratchpad, widened_bias_));
    (*widen_bias_)(given, wide, channels());
    return wide;
  }

  // The rows of `images_` images, each by one thread.
  void add_up(const float* products, const float* bias, float* sums) const {
    const auto& [depth, height, width] = p_.axes;
    const int64_t rows = depth.out * height.out, row = width.out * channels();
    const int64_t bytes = images_ * p_.in_pixels() * p_.places() * channels() * int64_t{sizeof(float)};
    kernels::parallel_for(images_ * rows, bytes, [&](int64_t item) {
      float* to = sums + item * row;
      kernels::fill_pixels(bias, to, width.out, channels());
      add_row(products, item / rows, item % rows / height.out, item % height.out, to);
    });
  }

  // Row (z, y) of one image.
  void add_row(const float* products, int64_t image, int64_t z, int64_t y, float* to) const {
    const auto& [depth, height, width] = p_.axes;
    const int64_t pixel = p_.places() * p_.out;  // the products of one pixel
    for (int64_t kz = 0; kz < depth.kernel; kz++) {
      const int64_t plane = depth.input_at(z, kz);
      for (int64_t ky = 0; ky < height.kernel && plane >= 0; ky++) {
        const int64_t line = height.input_at(y, ky);
        if (line < 0) continue;
        const int64_t first = ((image * depth.in + plane) * height.in + line) * width.in;
        for (int64_t g = 0; g < p_.groups; g++)
          for (int64_t kx = 0; kx < width.kernel; kx++) {
            const auto [begin, end] = width.inputs_of(kx);
            const int64_t place = (kz * height.kernel + ky) * width.kernel + kx;
            const float* from =
                products + (g * images_ * p_.in_pixels() + first + begin) * pixel + place * p_.out;
            const int64_t x = begin * width.stride - width.padding + kx * width.dilation;
            kernels::add_pixels(from, pixel, to + x * channels() + g * p_.out, width.stride * channels(),
                                end - begin, p_.out);
          }
      }
    }
  }

  TransposedProblem p_;
  int64_t images_;
  ScratchLayout scratch_;
  Operand src_;
  int64_t src_bytes_;
  Weight weight_;
  std::optional<onednn::Product> product_;
  std::optional<StridedConversion> store_;
  std::optional<kernels::RowConversion> widen_bias_;
  std::shared_ptr<const void> constant_bias_;
  bool has_bias_ = false;
  size_t product_scratch_ = 0, products_ = 0, sums_ = 0, widened_bias_ = 0;
};

std::unique_ptr<Step> create(const StepSpec& spec) { return std::make_unique<TransposedConvolution>(spec); }
}  // namespace

std::unique_ptr<Step> create_transposed_convolution(const StepSpec& spec) {
  return with_float32_fallback(spec, create);
}

}  // namespace octavo
