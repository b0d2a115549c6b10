// A convolution of very long rows, such as of sound, as convolutions of pieces of them.
#pragma once

#include "contract/candidates.h"
#include "operands/float32_fallback.h"
#include "operands/fused_inputs.h"
#include "steps/layers/convolution_problem.h"

namespace octavo {

// Why a convolution is not computed in pieces; nothing where it has to be. oneDNN's brgconv holds 600 bytes
// for each column of a row's results, in 2.6, and takes a second to make 250,000 of them.
Refusal row_pieces_refusal(const StepSpec& spec, const Convolution& convolution, const FusedInputs& inputs);

// Of a convolution whose rows are not padded. `create` makes the convolution of a piece.
std::unique_ptr<Step> create_row_pieces(const StepSpec& spec, const Convolution& convolution,
                                        const FusedInputs& inputs, StepCreator create);

}  // namespace octavo
