// Non-maximum suppression in two forms. ONNX's: [batch, class, box] of the boxes chosen for every class of
// every image. torchvision's: the indices of the boxes chosen among one list, best score first.
#include <omp.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>
#include <stdexcept>

#include "contract/input_value.h"
#include "contract/scratch.h"
#include "contract/table.h"
#include "kernels/parallel.h"
#include "steps/choice/counted_output.h"
#include "steps/choice/suppression.h"

namespace octavo {

namespace {
void expect_input(const InputValue& value, DType dtype, const Dims& shape, const char* what) {
  const auto& desc = value.desc();
  if (desc.dtype != dtype || desc.shape != shape || !desc.is_contiguous())
    throw std::invalid_argument(std::string(what) + " must be row-major " +
                                TensorDesc{dtype, shape, {}}.to_string() + ", not " + desc.to_string());
}

void expect_countable(int64_t boxes) {
  if (boxes > std::numeric_limits<uint32_t>::max())
    throw std::invalid_argument("there are more than 2^32 - 1 boxes");
}

class NonMaxSuppression : public Step {
 public:
  explicit NonMaxSuppression(const StepSpec& spec)
      : boxes_(spec, 0, "the boxes"),
        scores_(spec, 1, "the scores"),
        most_(spec, 2, "the number of boxes for a class"),
        iou_(spec, 3, "the threshold of the overlap"),
        by_center_(spec.attributes.boolean("byCenter")),
        has_threshold_(spec.attributes.boolean("hasThreshold")),
        threshold_(spec, has_threshold_ ? 4 : 3, "the threshold of the scores") {
    const Dims& shape = scores_.desc().shape;
    if (shape.size() != 3) throw std::invalid_argument("the scores must be [batch, class, box]");
    classes_ = shape[1];
    count_ = shape[2];
    lists_ = shape[0] * classes_;
    slots_ = std::min(count_, spec.attributes.integer("most"));
    output_.emplace(spec, Dims{lists_ * slots_, 3});
    expect_countable(count_);
    expect_input(scores_, DType::f32, shape, "the scores");
    expect_input(boxes_, DType::f32, {shape[0], count_, 4}, "the boxes");
    expect_input(most_, DType::s64, {}, "the number of boxes for a class");
    expect_input(iou_, DType::f32, {}, "the threshold of the overlap");
    expect_input(threshold_, DType::f32, {}, "the threshold of the scores");
    threads_ = std::clamp<int64_t>(omp_get_max_threads(), 1, std::max<int64_t>(lists_, 1));
    for (int64_t i = 0; i < threads_; i++)
      places_.push_back(scratch_.reserve(SuppressionScratch::bytes(count_, slots_)));
    found_ = scratch_.reserve(static_cast<size_t>(lists_) * sizeof(int64_t));
    chosen_ = scratch_.reserve(static_cast<size_t>(lists_ * slots_) * sizeof(int64_t));
  }

  void execute(const Buffers& buffers) override {
    const int64_t most = std::clamp<int64_t>(*static_cast<const int64_t*>(most_.data(buffers)), 0, slots_);
    const float iou = *static_cast<const float*>(iou_.data(buffers));
    if (!(iou >= 0 && iou <= 1))
      throw std::invalid_argument("the threshold of the overlap must be from 0 to 1, not " +
                                  std::to_string(iou));
    auto* found = static_cast<int64_t*>(ScratchLayout::at(buffers.scratchpad, found_));
    auto* chosen = static_cast<int64_t*>(ScratchLayout::at(buffers.scratchpad, chosen_));
    const auto bytes = static_cast<int64_t>(scores_.desc().span_bytes());
    kernels::parallel_for(threads_, bytes, [&](int64_t part) {
      const SuppressionScratch scratch(ScratchLayout::at(buffers.scratchpad, places_[part]), count_, slots_);
      for (int64_t list = lists_ * part / threads_; list < lists_ * (part + 1) / threads_; list++)
        found[list] = choose(buffers, list, most, iou, scratch, chosen + list * slots_);
    });
    write(buffers, found, chosen);
  }
  std::string implementation() const override { return "octavo:non_max_suppression"; }
  size_t scratchpad_bytes() const override { return scratch_.bytes(); }

 private:
  int64_t choose(const Buffers& buffers, int64_t list, int64_t most, float iou,
                 const SuppressionScratch& scratch, int64_t* chosen) const {
    const auto* boxes = static_cast<const float*>(boxes_.data(buffers)) + list / classes_ * count_ * 4;
    const auto* scores = static_cast<const float*>(scores_.data(buffers)) + list * count_;
    const float threshold = has_threshold_ ? *static_cast<const float*>(threshold_.data(buffers)) : 0;
    int64_t candidates = 0;
    for (int64_t i = 0; i < count_; i++)
      if (!has_threshold_ || scores[i] > threshold)
        scratch.candidates()[candidates++] = candidate_of(scores[i], i, false);
    return suppress({boxes, by_center_, true, true}, scratch, candidates, most, iou, OverlapRule::onnx,
                    chosen);
  }

  void write(const Buffers& buffers, const int64_t* found, const int64_t* chosen) const {
    int64_t* out = output_->rows(buffers);
    int64_t total = 0;
    for (int64_t list = 0; list < lists_; list++) {
      for (int64_t i = 0; i < found[list]; i++) {
        *out++ = list / classes_;
        *out++ = list % classes_;
        *out++ = chosen[list * slots_ + i];
      }
      total += found[list];
    }
    output_->set_count(buffers, total);
  }

  ScratchLayout scratch_;
  InputValue boxes_, scores_, most_, iou_;
  bool by_center_, has_threshold_;
  InputValue threshold_;
  std::optional<CountedOutput> output_;
  int64_t classes_ = 0, count_ = 0, lists_ = 0, slots_ = 0, threads_ = 1;
  std::vector<size_t> places_;
  size_t found_ = 0, chosen_ = 0;
};

// A float is greater than the result exactly if it is greater than the threshold.
float rounded_down(double threshold) {
  const auto nearest = static_cast<float>(threshold);
  if (nearest <= threshold) return nearest;
  return std::nextafter(nearest, -std::numeric_limits<float>::infinity());
}

class Nms : public Step {
 public:
  explicit Nms(const StepSpec& spec)
      : boxes_(spec, 0, "the boxes"),
        scores_(spec, 1, "the scores"),
        count_(scores_.desc().numel()),
        iou_(rounded_down(spec.attributes.number("iou"))),
        output_(spec, {count_}) {
    expect_countable(count_);
    expect_input(scores_, DType::f32, {count_}, "the scores");
    expect_input(boxes_, DType::f32, {count_, 4}, "the boxes");
    place_ = scratch_.reserve(SuppressionScratch::bytes(count_, count_));
  }

  void execute(const Buffers& buffers) override {
    const SuppressionScratch scratch(ScratchLayout::at(buffers.scratchpad, place_), count_, count_);
    const auto* scores = static_cast<const float*>(scores_.data(buffers));
    for (int64_t i = 0; i < count_; i++) scratch.candidates()[i] = candidate_of(scores[i], i, true);
    const Boxes boxes{static_cast<const float*>(boxes_.data(buffers)), false, false, false};
    output_.set_count(buffers, suppress(boxes, scratch, count_, count_, iou_, OverlapRule::torchvision,
                                        output_.rows(buffers)));
  }
  std::string implementation() const override { return "octavo:nms"; }
  size_t scratchpad_bytes() const override { return scratch_.bytes(); }

 private:
  ScratchLayout scratch_;
  InputValue boxes_, scores_;
  int64_t count_;
  float iou_;
  CountedOutput output_;
  size_t place_ = 0;
};
}  // namespace

std::unique_ptr<Step> create_non_max_suppression(const StepSpec& spec) {
  return std::make_unique<NonMaxSuppression>(spec);
}

std::unique_ptr<Step> create_nms(const StepSpec& spec) { return std::make_unique<Nms>(spec); }

}  // namespace octavo
