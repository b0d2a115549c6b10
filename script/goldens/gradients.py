"""Gradients of operators as PyTorch computes them: test/fixtures/autograd/gradients.json.

    python3 script/goldens/gradients.py

Needs PyTorch 2.6 (Debian 13: python3-torch). Each case is a call of an operator, the tensors among its arguments, numbers that its
results are multiplied with before they are summed, and the gradients of that sum in float64: of layers, and where a function
has no slope, or equal elements compete for a gradient.
"""

import json
from pathlib import Path

import torch
import torch.nn.functional as F

aten = torch.ops.aten
torch.manual_seed(0)
cases = []


def rounded(tensor):
    return [round(value, 9) for value in tensor.detach().flatten().tolist()]


class Fixed:
    """A tensor without a gradient."""

    def __init__(self, tensor):
        self.tensor = tensor


def x(*shape):
    """Random numbers that float32 and a few digits hold."""
    return (torch.randint(-2000, 2000, shape) / 1000).double()


def near_one(*shape):
    return 1 + x(*shape) / 4


def of(values):
    return torch.tensor(values, dtype=torch.float64)


def case(target, compute, *args, results=None, why="", **kwargs):
    """`compute` gets the arguments as they stand; `args` are those of the operator of that name."""
    tensors, given = [], []

    def described(arg):
        if isinstance(arg, (list, tuple)):
            return [described(each) for each in arg]
        if isinstance(arg, (torch.Tensor, Fixed)):
            tensor = arg.tensor if isinstance(arg, Fixed) else arg.clone()
            if not isinstance(arg, Fixed) and tensor.is_floating_point():
                tensor.requires_grad_()
            tensors.append(tensor)
            return {"tensor": len(tensors) - 1}
        return arg

    shown = [described(arg) for arg in args]

    def real(arg):
        if isinstance(arg, dict):
            return tensors[arg["tensor"]]
        return [real(each) for each in arg] if isinstance(arg, list) else arg

    returned = compute(*[real(arg) for arg in shown], **kwargs)
    all_results = returned if isinstance(returned, (list, tuple)) else [returned]
    chosen = [0] if results is None else results
    factors = [x(*all_results[i].shape) for i in chosen]
    sum(torch.sum(all_results[i] * factor) for i, factor in zip(chosen, factors)).backward()
    cases.append(
        {
            "target": target,
            "why": why,
            "args": shown,
            "kwargs": kwargs,
            "results": results,
            "factors": [rounded(factor) for factor in factors],
            "tensors": [
                {
                    "dtype": str(tensor.dtype).replace("torch.", "").replace("float64", "float32"),
                    "shape": list(tensor.shape),
                    "data": rounded(tensor) if tensor.is_floating_point() else tensor.flatten().tolist(),
                    **({"grad": rounded(tensor.grad)} if tensor.grad is not None else {}),
                }
                for tensor in tensors
            ],
        }
    )


def operator(target):
    _, name, overload = target.split(".")
    return getattr(getattr(aten, name), overload)


def call(target, *args, **kwargs):
    case(target, operator(target), *args, **kwargs)


# Kinks: where a function bends, and what has no slope at 0.
edges = of([-3.0, -2.0, -1.0, -0.5, -0.0, 0.0, 0.5, 1.0, 2.0, 3.0, 6.0, 7.0])
for name in ["relu", "relu6", "leaky_relu", "hardtanh", "hardsigmoid", "elu", "celu", "selu", "softplus",
             "silu", "gelu", "mish", "hardshrink", "softshrink", "abs", "sign", "sigmoid", "tanh", "floor", "round"]:
    call(f"aten.{name}.default", edges, why="at kinks")
# At -3 and 3 PyTorch 2.6 has the slope of the middle; later versions that of the outside, as Octavo.
call("aten.hardswish.default", edges[edges.abs() != 3])
call("aten.threshold.default", edges, 0.5, -1.0, why="at the threshold")
call("aten.clamp.default", edges, -1.0, 2.0, why="at the bounds")
call("aten.clamp_min.default", edges, 0.0, why="at the bound")
call("aten.clamp_max.default", edges, 1.0, why="at the bound")
call("aten.clamp.Tensor", edges, of([-1.0]), of([2.0]), why="at the bounds")
call("aten.clamp.Tensor", edges, of([2.0]), of([-1.0]), why="with bounds the wrong way round")
call("aten.clamp_min.Tensor", edges, of([0.0]), why="at the bound")
call("aten.clamp_max.Tensor", edges, of([1.0]), why="at the bound")
call("aten.pow.Tensor_Scalar", of([-1.0, 0.0, 2.0]), 1.0, why="at 0")
call("aten.pow.Tensor_Scalar", of([-1.0, 0.0, 2.0]), 2.0, why="at 0")
call("aten.pow.Tensor_Scalar", of([-1.0, 0.0, 2.0]), 3.0, why="at 0")
call("aten.pow.Tensor_Tensor", of([0.0, 0.0, 2.0, 3.0]), of([2.0, 1.0, 0.0, -1.0]), why="at 0")
call("aten.pow.Scalar", 0.0, of([2.0, 1.0, 0.5]), why="of 0")
call("aten.copysign.Tensor", of([0.0, -1.0, 2.0]), of([-1.0, 1.0, -0.0]), why="of 0")
call("aten.xlogy.Tensor", of([0.0, 0.0, 2.0]), of([0.5, 1.0, 3.0]), why="at 0")
call("aten.logit.default", of([0.1, 0.2, 0.5, 0.8, 0.9]), 0.2, why="at the bounds")
call("aten.nan_to_num.default", of([1.0, -2.0]))

# Ties: equal elements share a gradient, or the first has it.
ties = of([[1.0, 3.0, 3.0, 2.0], [5.0, 5.0, 5.0, 0.0], [0.0, -0.0, 0.0, -1.0]])
call("aten.maximum.default", ties, ties.flip(1).contiguous(), why="ties")
call("aten.minimum.default", ties, ties.flip(1).contiguous(), why="ties")
call("aten.fmax.default", ties, ties.flip(1).contiguous(), why="ties")
call("aten.fmin.default", ties, ties.flip(1).contiguous(), why="ties")
call("aten.amax.default", ties, [1], why="ties")
call("aten.amin.default", ties, [0], True, why="ties")
call("aten.max.default", ties, why="ties")
call("aten.min.default", ties, why="ties")
call("aten.max.dim", ties, 1, results=[0], why="ties")
call("aten.min.dim", ties, 0, True, results=[0], why="ties")
call("aten.sort.stable", ties, stable=True, dim=1, descending=True, results=[0], why="ties")
call("aten.linalg_vector_norm.default", ties, float("inf"), [1], why="ties")
call("aten.max_pool2d_with_indices.default", ties.reshape(1, 1, 3, 4), [2, 2], [1, 1], results=[0], why="ties")
call("aten.adaptive_max_pool2d.default", ties.reshape(1, 1, 3, 4), [2, 2], results=[0], why="ties")
case("aten.max_pool2d.default", F.max_pool2d, ties.reshape(1, 1, 3, 4), [2, 2], [1, 1], why="ties")

# Norms, deviations and products of zeros.
zeros = of([[0.0, 0.0, 0.0], [0.0, 2.0, -1.0], [2.0, 3.0, 4.0]])
for order in [0.0, 0.5, 1.0, 1.5, 2.0, 3.0]:
    call("aten.linalg_vector_norm.default", zeros, order, [1], why="of zeros")
call("aten.std.correction", zeros, [1], correction=1, why="of equal elements")
call("aten.std_mean.correction", zeros, [1], correction=0, results=[0, 1], why="of equal elements")
call("aten.prod.default", of([[2.0, 0.0], [3.0, 4.0]]), why="with a zero")
call("aten.prod.dim_int", of([[2.0, 0.0, 3.0], [0.0, 0.0, 4.0], [2.0, 3.0, 4.0]]), 1, why="with zeros")
call("aten.cumprod.default", of([[2.0, 0.0, 3.0, 5.0], [0.0, 0.0, 4.0, 1.0]]), 1, why="with zeros")

# Tables.
rows = torch.tensor([1, 3, 1, 0, 4, 1])
call("aten.embedding.default", x(5, 3), rows, 1, why="with a padding row")
call("aten.embedding.default", x(5, 3), rows, -1, True, why="by frequency")
offsets = torch.tensor([0, 2, 2, 5])
# On CPUs, PyTorch 2.6 divides by the frequency of another row (`counts[indices_data[i]]`): all of these are equally frequent.
frequent = torch.tensor([1, 3, 1, 0, 3, 0])
for mode in [0, 1]:
    call("aten.embedding_bag.padding_idx", x(5, 3), rows, offsets, False, mode, False, None, False, None, results=[0])
    call("aten.embedding_bag.padding_idx", x(5, 3), rows, offsets, False, mode, False, None, False, 1, results=[0],
         why="with a padding row")
    call("aten.embedding_bag.default", x(5, 3), frequent, torch.tensor([0, 2, 6]), True, mode, False, None, True, results=[0],
         why="by frequency, with a last offset")
call("aten.embedding_bag.default", x(5, 3), rows, offsets, False, 0, False, x(6), results=[0], why="weighted")

# Normalizations.
call("aten.group_norm.default", x(2, 6, 3, 2), 3, near_one(6), x(6), 1e-3)
call("aten.group_norm.default", x(3, 4, 5), 2, None, None, 1e-3)
call("aten.group_norm.default", x(2, 3, 4), 3, near_one(3), None, 1e-3, why="as instance norm")
call("aten.group_norm.default", x(2, 4, 3), 1, near_one(4), x(4), 1e-3)
case("aten.rms_norm.default", F.rms_norm, x(2, 3, 5), [5], near_one(5), 1e-3)
case("aten.rms_norm.default", F.rms_norm, x(2, 3, 4), [3, 4], None, 1e-3)
call("aten._safe_softmax.default", x(2, 5), -1)

# Attention.
sdpa = F.scaled_dot_product_attention


def attention(query, key, value, mask=None, p=0.0, causal=False, scale=None, enable_gqa=False):
    return sdpa(query, key, value, mask, p, causal, scale=scale, enable_gqa=enable_gqa)


name = "aten.scaled_dot_product_attention.default"
case(name, attention, x(2, 3, 4, 5), x(2, 3, 6, 5), x(2, 3, 6, 2))
case(name, attention, x(2, 4, 5), x(2, 4, 5), x(2, 4, 5), None, 0.0, True, why="causal")
case(name, attention, x(1, 2, 3, 4), x(1, 2, 5, 4), x(1, 2, 5, 4), None, 0.0, True, scale=0.3, why="causal, wider")
mask = torch.tensor([[True, False, True, True], [False, True, False, False], [False, False, False, False]])
case(name, attention, x(2, 3, 4), x(2, 4, 4), x(2, 4, 3), mask, why="with a mask, and a row of nothing")
case(name, attention, x(2, 2, 3, 4), x(2, 2, 4, 4), x(2, 2, 4, 3), x(2, 1, 3, 4), why="with a bias")
case(name, attention, x(1, 4, 3, 4), x(1, 2, 5, 4), x(1, 2, 5, 3), None, enable_gqa=True, why="with grouped heads")

# Interpolation.
for align in [False, True]:
    call("aten.upsample_linear1d.default", x(2, 2, 5), [8], align)
    call("aten.upsample_bilinear2d.default", x(1, 2, 4, 5), [7, 3], align)
    call("aten.upsample_bicubic2d.default", x(1, 2, 4, 5), [7, 9], align)
    call("aten.upsample_trilinear3d.default", x(1, 1, 3, 2, 3), [4, 5, 2], align)
call("aten.upsample_bilinear2d.vec", x(1, 2, 4, 5), None, False, [2.0, 1.5], why="by factors")
call("aten._upsample_bilinear2d_aa.default", x(1, 2, 7, 8), [3, 4], False)
call("aten._upsample_bicubic2d_aa.default", x(1, 1, 9, 8), [4, 5], False)
call("aten.upsample_nearest1d.default", x(2, 2, 5), [8])
call("aten.upsample_nearest2d.default", x(1, 2, 4, 5), [8, 3])
call("aten.upsample_nearest2d.vec", x(1, 2, 3, 2), None, [2.0, 2.0])
call("aten.upsample_nearest3d.default", x(1, 1, 2, 3, 2), [3, 3, 5])
call("aten._upsample_nearest_exact2d.default", x(1, 2, 4, 5), [7, 3])

# Pooling and convolutions.
call("aten.max_pool2d_with_indices.default", x(2, 2, 6, 5), [3, 3], [2, 2], [1, 1], results=[0])
call("aten.max_pool3d_with_indices.default", x(1, 2, 4, 5, 4), [2, 3, 2], [2, 1, 2], [1, 1, 0], [1, 1, 1], True, results=[0])
case("aten.max_pool1d_with_indices.default",
     lambda *args: F.max_pool1d(*args, return_indices=True), x(2, 2, 9), [3], [2], [1], [2], results=[0])
call("aten.adaptive_max_pool2d.default", x(2, 2, 7, 5), [3, 2], results=[0])
call("aten.adaptive_max_pool3d.default", x(1, 1, 4, 5, 3), [2, 2, 2], results=[0])
case("aten.adaptive_max_pool1d.default", lambda *args: F.adaptive_max_pool1d(*args, return_indices=True), x(2, 2, 7), [3],
     results=[0])
call("aten.convolution.default", x(2, 4, 6, 5), x(6, 2, 3, 3), x(6), [2, 1], [1, 2], [1, 1], False, [0, 0], 2)
call("aten.convolution.default", x(2, 4, 5, 4), x(4, 3, 3, 3), x(6), [2, 3], [1, 0], [1, 1], True, [1, 2], 2,
     why="transposed, with as much output padding as a stride may have")
call("aten.convolution.default", x(2, 3, 5), x(4, 3, 3), None, [1], [1], [2], False, [0], 1)
call("aten.conv_transpose2d.input", x(1, 3, 3, 4), x(3, 2, 3, 2), x(2), [1, 2], [0, 1], [0, 2], 1, [1, 3],
     why="with more output padding than stride")
call("aten.conv_transpose1d.default", x(1, 2, 4), x(2, 3, 3), x(3), [2], [1], [2], 1, [3],
     why="with as much output padding as stride")


# One recurrent layer in one direction, in our operator's arguments.
def recurrent(run, reverse, batch_first):
    def compute(input, weight_ih, weight_hh, bias_ih, bias_hh, *rest):
        states = [state for state in rest if isinstance(state, torch.Tensor)]
        steps = input.transpose(0, 1) if batch_first else input
        steps = steps.flip(0) if reverse else steps
        params = [weight_ih, weight_hh] + ([bias_ih, bias_hh] if bias_ih is not None else [])
        out, *last = run(steps, params, states)
        out = out.flip(0) if reverse else out
        out = out.transpose(0, 1) if batch_first else out
        return [out, *[state[0] for state in last]]

    return compute


def plain(function, width):
    def run(steps, params, states):
        first = states[0] if states else torch.zeros(steps.shape[1], width, dtype=torch.float64)
        return function(steps, first[None], params, len(params) > 2, 1, 0.0, True, False, False)

    return run


def lstm(width, projected=None):
    def run(steps, params, states):
        projection = [states.pop(0)] if projected else []
        if not states:
            states = [torch.zeros(steps.shape[1], size, dtype=torch.float64) for size in (projected or width, width)]
        first = [state[None] for state in states]
        return torch.lstm(steps, first, params + projection, len(params) > 2, 1, 0.0, True, False, False)

    return run


H, I, N, T = 3, 2, 2, 4
for reverse, batch_first in [(False, False), (True, True), (False, True)]:
    shape = (N, T, I) if batch_first else (T, N, I)
    end = [None, reverse, batch_first]
    label = f"reverse={reverse}, batch_first={batch_first}"
    for biased, started in [(True, True), (False, False)]:
        def bias(rows):
            return [x(rows), x(rows)] if biased else [None, None]

        def first(*sizes):
            return [x(N, size) for size in sizes] if started else [None] * len(sizes)

        for name, function in [("tanh", torch.rnn_tanh), ("relu", torch.rnn_relu)]:
            case("octavo.rnn_layer.default", recurrent(plain(function, H), reverse, batch_first),
                 x(*shape), x(H, I), x(H, H), *bias(H), name, *first(H), *end, results=[0, 1], why=label)
        case("octavo.gru_layer.default", recurrent(plain(torch.gru, H), reverse, batch_first),
             x(*shape), x(3 * H, I), x(3 * H, H), *bias(3 * H), *first(H), *end, results=[0, 1], why=label)
        case("octavo.lstm_layer.default", recurrent(lstm(H), reverse, batch_first),
             x(*shape), x(4 * H, I), x(4 * H, H), *bias(4 * H), None, *first(H, H), *end, results=[0, 1, 2], why=label)
        case("octavo.lstm_layer.default", recurrent(lstm(H, 2), reverse, batch_first),
             x(*shape), x(4 * H, I), x(4 * H, 2), *bias(4 * H), x(2, H), *first(2, H), *end, results=[0, 1, 2],
             why=f"projected, {label}")
rest = [x(T, N, I), x(4 * H, I), x(4 * H, H), x(4 * H), x(4 * H), None, x(N, H), x(N, H), None, False, False]
for results in [[0], [1], [2], [1, 2]]:
    case("octavo.lstm_layer.default", recurrent(lstm(H), False, False), *rest, results=results, why=f"of results {results}")
rest = [x(T, N, I), x(3 * H, I), x(3 * H, H), x(3 * H), x(3 * H), x(N, H), None, False, False]
for results in [[0], [1]]:
    case("octavo.gru_layer.default", recurrent(plain(torch.gru, H), False, False), *rest, results=results,
         why=f"of results {results}")

target = Path(__file__).parents[2] / "test/fixtures/autograd/gradients.json"
target.parent.mkdir(parents=True, exist_ok=True)
lines = ",\n".join(json.dumps(each, separators=(",", ":")).replace("Infinity", '"Infinity"') for each in cases)
target.write_text(f"[\n{lines}\n]\n")
print(len(cases), target.stat().st_size)
