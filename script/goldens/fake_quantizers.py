"""Fake quantizers and dynamic training with PyTorch 2.6 (test/training/fake-quantizers.test.ts):

    python3 script/goldens/fake_quantizers.py test/fixtures/training

Writes what FakeQuantize gives for one tensor after the other, its gradient and its scales, and three steps of training a network whose
linear layers are quantized dynamically: the losses, the converted program and its results.
"""

import json
import sys

import torch
import torch.ao.quantization.quantizer.x86_inductor_quantizer as xiq
import torch.nn.functional as F
from torch import nn
from torch.ao.quantization import observer as observers
from torch.ao.quantization.fake_quantize import FakeQuantize, FixedQParamsFakeQuantize
from torch.ao.quantization.quantize_pt2e import convert_pt2e, prepare_qat_pt2e

torch.set_num_threads(1)

CASES = {
    "minimum and maximum": (observers.MinMaxObserver, {"dtype": torch.uint8, "quant_min": 0, "quant_max": 255}),
    "moving average": (
        observers.MovingAverageMinMaxObserver,
        {"dtype": torch.int8, "quant_min": -8, "quant_max": 7, "averaging_constant": 0.25, "eps": 2**-12},
    ),
    "symmetric": (
        observers.MinMaxObserver,
        {"dtype": torch.uint8, "quant_min": 0, "quant_max": 127, "qscheme": torch.per_tensor_symmetric},
    ),
    "per channel": (
        observers.PerChannelMinMaxObserver,
        {
            "dtype": torch.int8,
            "quant_min": -128,
            "quant_max": 127,
            "qscheme": torch.per_channel_symmetric,
            "ch_axis": 0,
        },
    ),
    "moving average per channel": (
        observers.MovingAveragePerChannelMinMaxObserver,
        {
            "dtype": torch.uint8,
            "quant_min": 0,
            "quant_max": 15,
            "qscheme": torch.per_channel_affine,
            "ch_axis": 1,
            "averaging_constant": 0.25,
        },
    ),
    "dynamic": (
        observers.MovingAverageMinMaxObserver,
        {"dtype": torch.uint8, "quant_min": 0, "quant_max": 255, "averaging_constant": 1, "is_dynamic": True},
    ),
    "fixed": (
        observers.FixedQParamsObserver,
        {"scale": 1 / 64, "zero_point": 3, "dtype": torch.uint8, "quant_min": 0, "quant_max": 255},
    ),
}


def numbers(tensor):
    return [float(value) for value in tensor.detach().flatten()]


def calls(generator):
    results = {}
    for name, (observer, args) in CASES.items():
        if name == "fixed":
            fake = FixedQParamsFakeQuantize(observer=observer.with_args(**args))
        else:
            fake = FakeQuantize(observer=observer, **args)
        steps = []
        for i in range(4):
            # The last tensor is wider; the observer is off by then.
            x = (torch.randn(2, 3, 4, generator=generator) * (i + 1) + 0.5).requires_grad_()
            grad = torch.randn(2, 3, 4, generator=generator)
            if i == 3:
                fake.disable_observer()
            y = fake(x)
            y.backward(grad)
            steps.append(
                {
                    **{key: numbers(t) for key, t in {"x": x, "grad": grad, "y": y, "gradient": x.grad}.items()},
                    "scale": numbers(fake.scale),
                    "zero_point": fake.zero_point.flatten().tolist(),
                }
            )
        results[name] = steps
    return results


class Network(nn.Module):
    def __init__(self):
        super().__init__()
        self.first = nn.Linear(6, 16)
        self.second = nn.Linear(16, 16)
        self.third = nn.Linear(16, 4)

    def forward(self, x):
        x = F.relu(self.first(x))
        return self.third(x + torch.tanh(self.second(x)))


def train(generator, folder):
    torch.manual_seed(3)
    model = Network()
    weights = {name: numbers(tensor) for name, tensor in model.state_dict().items()}
    inputs = [torch.randn(5, 6, generator=generator) for _ in range(4)]
    labels = [torch.randint(0, 4, (5,), generator=generator) for _ in range(3)]
    captured = torch.export.export_for_training(model.train(), (inputs[0],)).module()
    quantizer = xiq.X86InductorQuantizer()
    quantizer.set_global(xiq.get_default_x86_inductor_quantization_config(is_qat=True, is_dynamic=True))
    prepared = prepare_qat_pt2e(captured, quantizer)
    torch.ao.quantization.move_exported_model_to_train(prepared)
    optimizer = torch.optim.SGD(prepared.parameters(), lr=0.1, momentum=0.9)
    losses = []
    for x, label in zip(inputs, labels):
        optimizer.zero_grad()
        loss = F.cross_entropy(prepared(x), label)
        loss.backward()
        optimizer.step()
        losses.append(float(loss))
    torch.ao.quantization.move_exported_model_to_eval(prepared)
    with torch.no_grad():
        converted = convert_pt2e(prepared)
        results = converted(inputs[3])
    with open(f"{folder}/dynamic_qat_converted.txt", "w") as file:
        file.write(str(converted.graph))
    return {
        "weights": weights,
        "inputs": [numbers(x) for x in inputs],
        "labels": [label.tolist() for label in labels],
        "losses": losses,
        "results": numbers(results),
    }


def main(folder):
    generator = torch.Generator().manual_seed(7)
    golden = {"calls": calls(generator), "dynamic": train(generator, folder)}
    with open(f"{folder}/fake_quantizers.json", "w") as file:
        json.dump(golden, file)


main(*sys.argv[1:])
