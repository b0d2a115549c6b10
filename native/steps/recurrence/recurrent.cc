// One layer of an LSTM, a GRU or an Elman network in one direction. Its states are divided into parts: a
// thread computes the gates of a part's states from the states of all, and the threads meet after every step.
// Sums over the input are computed for a chunk of steps at a time, in one product, while they stay in the
// cache.
#include <omp.h>

#include <algorithm>
#include <optional>
#include <stdexcept>

#include "contract/index_list.h"
#include "contract/table.h"
#include "kernels/recurrence/cells.h"
#include "kernels/recurrence/phased_work.h"
#include "operands/float32_fallback.h"
#include "steps/recurrence/gate_biases.h"
#include "steps/recurrence/layer_input.h"
#include "steps/recurrence/layer_states.h"
#include "steps/recurrence/packed_gates.h"

namespace octavo {

namespace {
using kernels::kPanelColumns;

// Rows of the input whose sums are computed at once: enough to read its weight seldom.
constexpr int64_t kChunkRows = 64;
// Bytes of weights times rows, of one step, that are worth another thread: some microseconds.
constexpr int64_t kBytesPerThread = 256 * 1024;
// Parts for each thread: one that is held up leaves some to others.
constexpr int64_t kPartsPerThread = 2;

// Some of the blocks of states, and of projected ones.
struct Part {
  int64_t first, blocks, first_projected, projected_blocks;
};

int64_t threads_for(const RecurrentProblem& p) {
  const int64_t row = p.state_gates() * p.width * p.projected * (p.is_quantized() ? 1 : 4);
  const int64_t worth = std::min<int64_t>(omp_get_max_threads(), p.batch * row / kBytesPerThread);
  return std::clamp<int64_t>(worth, 1, kernels::panel_blocks(p.width));
}

class Recurrent : public Step {
 public:
  explicit Recurrent(const StepSpec& spec)
      : p_(spec),
        name_(spec.op + " '" + spec.node + "'"),
        threads_(threads_for(p_)),
        blocks_(kernels::panel_blocks(p_.width)),
        projected_blocks_(kernels::panel_blocks(p_.projected)),
        parts_(threads_ == 1 ? 1 : std::min(blocks_, threads_ * kPartsPerThread)),
        chunk_(std::clamp<int64_t>(kChunkRows / p_.batch, 1, p_.steps)),
        work_(parts_),
        of_input_(spec, 1, p_.gates(), scratch_),
        of_state_(spec, 2, p_.state_gates(), scratch_),
        input_(spec, p_, p_.is_quantized() ? of_input_.row_bytes() : 0, scratch_),
        states_(spec, p_, threads_, p_.is_quantized() ? of_state_.row_bytes() : 0, scratch_),
        biases_(spec, p_, scratch_) {
    if (p_.projection >= 0) projection_.emplace(spec, p_.projection, 1, scratch_);
    if (p_.candidate >= 0) of_reset_.emplace(spec, p_.candidate, 1, scratch_);
    if (p_.lengths >= 0) lengths_.emplace(spec, static_cast<size_t>(p_.lengths), "the lengths", scratch_);
    const auto floats = [&](int64_t count) {
      return scratch_.reserve(static_cast<size_t>(count) * sizeof(float));
    };
    input_sums_at_ = floats(chunk_ * p_.batch * of_input_.rows().columns());
    state_sums_at_ = floats(p_.batch * of_state_.rows().columns());
    between_at_ = phases() == 1 ? 0 : floats(p_.batch * states_.cell_step());
  }

  void execute(const Buffers& buffers) override {
    prepare(buffers);
    const int threads = static_cast<int>(std::min<int64_t>(threads_, omp_get_max_threads()));
#pragma omp parallel num_threads(threads) if (threads > 1)
    {
      StateRows rows{omp_get_thread_num()};
      work_.run(rows.thread * parts_ / threads, [&](int64_t phase, int64_t part) {
        compute(rows, part_at(part), buffers, phase / phases(), phase % phases() == 0);
      });
    }
    states_.finish(buffers);
  }

  std::string implementation() const override {
    const char* isas[] = {"baseline", "avx2", "avx512", "avx512_vnni"};
    // VNNI is for products of bytes.
    const auto isa = p_.is_quantized() ? panel_isa() : std::min(panel_isa(), kernels::PanelIsa::avx512);
    const char* kind = p_.is_quantized() ? "integer_" : p_.weight == DType::bf16 ? "bf16_weight_" : "";
    return std::string("octavo:") + kind + "recurrence:" + isas[static_cast<int>(isa)];
  }
  size_t scratchpad_bytes() const override { return scratch_.bytes(); }

 private:
  // Two where a step needs all states of a part way: those before a projection, or that were reset.
  int64_t phases() const { return projection_ || of_reset_ ? 2 : 1; }

  Part part_at(int64_t part) const {
    const auto begin = [&](int64_t blocks, int64_t i) { return blocks * i / parts_; };
    const int64_t first = begin(blocks_, part), projected = begin(projected_blocks_, part);
    return {first, begin(blocks_, part + 1) - first, projected,
            begin(projected_blocks_, part + 1) - projected};
  }

  // All that one thread does before the others start.
  void prepare(const Buffers& buffers) {
    for (auto* gates : {&of_input_, &of_state_}) gates->prepare(buffers);
    for (auto* gates : {&projection_, &of_reset_})
      if (*gates) (*gates)->prepare(buffers);
    biases_.prepare(buffers);
    input_.prepare(buffers);
    states_.prepare(buffers);
    current_lengths_ = checked_lengths(buffers);
    const auto at = [&](size_t offset) {
      return static_cast<float*>(ScratchLayout::at(buffers.scratchpad, offset));
    };
    input_sums_ = at(input_sums_at_);
    state_sums_ = at(state_sums_at_);
    between_ = at(between_at_);
    work_.reset(p_.steps * phases());
  }

  const int64_t* checked_lengths(const Buffers& buffers) const {
    if (!lengths_) return nullptr;
    const int64_t* lengths = lengths_->copy(buffers);
    for (int64_t i = 0; i < p_.batch; i++)
      if (lengths[i] < 0 || lengths[i] > p_.steps)
        throw std::out_of_range(name_ + ": length " + std::to_string(i) + " is " +
                                std::to_string(lengths[i]) + ", but sequences have 0 to " +
                                std::to_string(p_.steps) + " steps");
    return lengths;
  }

  bool has_ended(int64_t i, int64_t sequence) const {
    return current_lengths_ && p_.step_at(i) >= current_lengths_[sequence];
  }

  // A part of step number `i`: all of it, or one of its phases.
  void compute(StateRows& rows, const Part& part, const Buffers& buffers, int64_t i, bool is_first) const {
    float* input = input_sums_ + i % chunk_ * p_.batch * of_input_.rows().columns();
    if (is_first) {
      if (i % chunk_ == 0) multiply_input(part, i);
      multiply_state(rows, part, i);
      for (int64_t n = 0; n < p_.batch; n++)
        if (!has_ended(i, n)) cells(part, i, n, input);
    } else if (of_reset_) {
      after_reset(rows, part, i, input);
    } else {
      projection_->multiply(states_.rows(rows, between_, states_.cell_step()), p_.batch, part.first_projected,
                            part.projected_blocks, states_.at(i + 1), states_.step(), {1, 0});
    }
    if (is_first && phases() == 2) return;
    const int64_t first = part.first_projected * kPanelColumns;
    const int64_t count = std::min(part.projected_blocks * kPanelColumns, p_.projected - first);
    for (int64_t n = 0; n < p_.batch; n++) states_.store(buffers, i, n, first, count, has_ended(i, n));
  }

  // Sums of the chunk of steps that begins with number `i`.
  void multiply_input(const Part& part, int64_t i) const {
    of_input_.multiply(input_.rows() + i * p_.batch, std::min(chunk_, p_.steps - i) * p_.batch,
                       part.first * p_.gates(), part.blocks * p_.gates(), input_sums_,
                       of_input_.rows().columns(), p_.weighted(input_.scale(), 0));
  }

  void multiply_state(StateRows& rows, const Part& part, int64_t i) const {
    const void* const* states = states_.rows(rows, i);
    of_state_.multiply(states, p_.batch, part.first * p_.state_gates(), part.blocks * p_.state_gates(),
                       state_sums_, of_state_.rows().columns(), p_.weighted(rows.scale, 1));
  }

  void cells(const Part& part, int64_t i, int64_t n, float* input) const {
    const int64_t first = part.first * kPanelColumns, at = n * states_.cell_step() + first;
    input += n * of_input_.rows().columns() + first * p_.gates();
    const float* hidden = state_sums_ + n * of_state_.rows().columns() + first * p_.state_gates();
    const float *bias = biases_.both() + first * p_.gates(),
                *hidden_bias = biases_.hidden() + first * p_.gates();
    // Without a projection, rows of states are as long as those of cell states.
    const float* before = states_.at(i) + at;
    float* after = (phases() == 2 ? between_ : states_.at(i + 1)) + at;
    switch (p_.cell) {
      case RecurrentCell::lstm:
        return kernels::lstm_cells(input, hidden, bias, states_.cells() + at, after, part.blocks);
      case RecurrentCell::gru:
        return kernels::gru_cells(input, hidden, bias, hidden_bias, before, after, part.blocks);
      case RecurrentCell::gru_reset_first:
        return kernels::gru_gates(input, hidden, bias, before, after, part.blocks);
      case RecurrentCell::rnn_tanh:
      case RecurrentCell::rnn_relu:
        return kernels::elman_cells(input, hidden, bias, p_.cell == RecurrentCell::rnn_relu, after,
                                    part.blocks);
    }
  }

  // The new states of a GRU from its states that were reset.
  void after_reset(StateRows& rows, const Part& part, int64_t i, const float* input) const {
    const int64_t columns = of_state_.rows().columns(), first = part.first * kPanelColumns;
    of_reset_->multiply(states_.rows(rows, between_, states_.cell_step()), p_.batch, part.first, part.blocks,
                        state_sums_, columns, {1, 0});
    for (int64_t n = 0; n < p_.batch; n++) {
      const int64_t at = n * states_.step() + first;
      if (!has_ended(i, n))
        kernels::gru_candidates(input + n * of_input_.rows().columns() + first * p_.gates(),
                                state_sums_ + n * columns + first, biases_.both() + first * p_.gates(),
                                states_.at(i) + at, states_.at(i + 1) + at, part.blocks);
    }
  }

  RecurrentProblem p_;
  std::string name_;
  int64_t threads_, blocks_, projected_blocks_, parts_, chunk_;
  kernels::PhasedWork work_;
  ScratchLayout scratch_;
  PackedGates of_input_, of_state_;
  LayerInput input_;
  LayerStates states_;
  GateBiases biases_;
  std::optional<PackedGates> projection_, of_reset_;
  std::optional<IndexList> lengths_;
  size_t input_sums_at_, state_sums_at_, between_at_;
  // Of the run in progress.
  float *input_sums_ = nullptr, *state_sums_ = nullptr, *between_ = nullptr;
  const int64_t* current_lengths_ = nullptr;
};

std::unique_ptr<Step> create(const StepSpec& spec) { return std::make_unique<Recurrent>(spec); }
}  // namespace

// The weights over the input and over the state are multiplied as they are stored.
std::unique_ptr<Step> create_recurrent(const StepSpec& spec) { return in_float32(spec, create, {1, 2}); }

}  // namespace octavo
