"""Fake quantization by learned scales and zero points, with PyTorch 2.6 (test/training/learned-scales.test.ts):

    python3 script/goldens/learned_scales.py models/tiny_cnn.pt2 test/fixtures/training

Writes results and gradients of the operators, and of three steps of training with learned scales: the losses, scales, zero points and
the converted program's results.
"""

import json
import sys

import numpy
import torch
import torch.ao.quantization.quantizer.x86_inductor_quantizer as xiq
import torch.nn.functional as F
from networks import TinyCNN
from torch import nn
from torch.ao.quantization._learnable_fake_quantize import _LearnableFakeQuantize
from torch.ao.quantization.observer import MovingAverageMinMaxObserver, MovingAveragePerChannelMinMaxObserver
from torch.ao.quantization.quantize_pt2e import convert_pt2e, prepare_qat_pt2e
from torch.ao.quantization.quantizer import QuantizationSpec
from torch.ao.quantization.quantizer.xnnpack_quantizer_utils import QuantizationConfig

torch.set_num_threads(1)

# Shape, axis (none: per tensor), range, factor of the gradients. Zero points are not negative per tensor: there, PyTorch's gradient
# rounds them otherwise than the result does.
CASES = [
    ([3, 7], None, (0, 255), 1.0),
    ([2, 3, 5, 4], None, (0, 15), 0.25),
    ([4, 3, 3, 3], 0, (-8, 7), 1.0),
    ([4, 3, 3, 3], 0, (-4, 3), 0.125),
    ([5, 6], 1, (-128, 127), 1.0),
    ([2, 4, 9], 1, (0, 7), 0.5),
    ([6, 1], 0, (-2, 1), 1.0),
]


def numbers(tensor):
    return [float(value) for value in tensor.detach().flatten()]


def operators(generator):
    results = []
    for shape, axis, (low, high), factor in CASES:
        count = 1 if axis is None else shape[axis]
        x = torch.randn(shape, generator=generator) * 2
        grad = torch.randn(shape, generator=generator)
        # So that about a tenth of the elements is clamped.
        scale = (torch.rand(count, generator=generator) + 0.5) * 6 / (high - low)
        zero = torch.rand(count, generator=generator) * (high - low) / 2 + low + (high - low) / 4
        tensors = [t.clone().requires_grad_() for t in (x, scale, zero)]
        name = "tensor" if axis is None else "channel"
        call = getattr(torch, f"_fake_quantize_learnable_per_{name}_affine")
        result = call(*tensors, *([] if axis is None else [axis]), low, high, factor)
        result.backward(grad)
        results.append(
            {
                "shape": shape,
                "axis": axis,
                "range": [low, high],
                "factor": factor,
                **{key: numbers(t) for key, t in {"x": x, "scale": scale, "zero_point": zero, "grad": grad}.items()},
                "result": numbers(result),
                "gradients": [numbers(t.grad) for t in tensors],
            }
        )
    return results


class Learnable(_LearnableFakeQuantize):
    """As torchao's: as many scales as the first tensor has channels, learned after it."""

    def forward(self, x):
        count = 1 if self.ch_axis == -1 else x.shape[self.ch_axis]
        if self.scale.numel() != count:
            self.scale = nn.Parameter(torch.ones(count))
            self.zero_point = nn.Parameter(torch.zeros(count))
        result = super().forward(x)
        self.enable_param_learning()
        return result


def specification(observer, **args):
    learnable = Learnable.with_args(observer=observer, use_grad_scaling=True, eps=2**-12)
    return QuantizationSpec(observer_or_fake_quant_ctr=learnable, **args)


def train(model, inputs, labels):
    captured = torch.export.export_for_training(model.train(), (inputs[0],)).module()
    activation = specification(
        MovingAverageMinMaxObserver, dtype=torch.uint8, quant_min=0, quant_max=255, qscheme=torch.per_tensor_affine
    )
    weight = specification(
        MovingAveragePerChannelMinMaxObserver,
        dtype=torch.int8,
        quant_min=-8,
        quant_max=7,
        qscheme=torch.per_channel_symmetric,
        ch_axis=0,
    )
    quantizer = xiq.X86InductorQuantizer()
    quantizer.set_global(QuantizationConfig(activation, activation, weight, None, True))
    prepared = prepare_qat_pt2e(captured, quantizer)
    torch.ao.quantization.move_exported_model_to_train(prepared)
    # The first batch decides the first scales; it must move nothing else.
    before = {name: tensor.clone() for name, tensor in prepared.named_buffers() if "running" in name}
    with torch.no_grad():
        prepared(inputs[0])
        for name, tensor in prepared.named_buffers():
            if name in before:
                tensor.copy_(before[name])
    learnables = {path: module for path, module in prepared.named_modules() if isinstance(module, Learnable)}
    optimizer = torch.optim.SGD(prepared.parameters(), lr=0.05, momentum=0.9, weight_decay=1e-3)
    steps = []
    for x, label in zip(inputs, labels):
        optimizer.zero_grad()
        loss = F.cross_entropy(prepared(x), label, label_smoothing=0.1)
        loss.backward()
        optimizer.step()
        scales = {path: [numbers(module.scale), numbers(module.zero_point)] for path, module in learnables.items()}
        steps.append({"loss": float(loss), "labels": label.tolist(), "scales": scales})
    torch.ao.quantization.move_exported_model_to_eval(prepared)
    with torch.no_grad():
        converted = convert_pt2e(prepared)
        results = converted(inputs[3])
    return {"steps": steps, "results": numbers(results)}


def main(program, folder):
    with numpy.load(f"{folder}/qat_inputs.npz") as file:
        inputs = [torch.from_numpy(file[name]) for name in file.files]
    generator = torch.Generator().manual_seed(4)
    labels = [torch.randint(0, 10, (4,), generator=generator) for _ in range(3)]
    model = TinyCNN()
    model.load_state_dict(torch.export.load(program).state_dict, strict=False)
    golden = {"operators": operators(generator), "training": train(model, inputs, labels)}
    with open(f"{folder}/learned_scales.json", "w") as file:
        json.dump(golden, file)


main(*sys.argv[1:])
