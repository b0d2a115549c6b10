"""What PyTorch's eager mode quantization computes (test/eager): writes NAME.json and NAME.npz for each network.

    python3 script/goldens/eager.py test/fixtures/eager

Needs PyTorch 2.6 on the CPU (Debian 13: python3-torch). Seeded: running it again gives the same numbers. NAME.npz holds the state of
the float model (`state.PATH`), its inputs (`calibration.0`, …, and `input`), what the float and the converted model make of `input` (`float`,
`output`; in training the losses of the steps follow), and the converted model's weights (`weight.PATH`, int8). NAME.json holds, by path, the class of each module that was swapped, and
its scale and zero point. Debian's PyTorch has no FBGEMM: layers run on its oneDNN engine.
"""

import json
import sys
from pathlib import Path

import numpy
import torch
import torch.nn.functional as F
from torch import nn
from torch.ao.nn.quantized import FloatFunctional, QFunctional
from torch.ao.quantization import (
    DeQuantStub,
    QuantStub,
    QuantWrapper,
    convert,
    default_qconfig,
    float_qparams_weight_only_qconfig,
    fuse_modules,
    fuse_modules_qat,
    get_default_qat_qconfig,
    get_default_qconfig,
    prepare,
    prepare_qat,
    quantize_dynamic,
)

torch.backends.quantized.engine = "onednn"
torch.set_num_threads(1)


class ConvBNReLU(nn.Sequential):
    """As in PyTorch's static_quantization_tutorial."""

    def __init__(self, inputs, outputs, kernel=3, stride=1, groups=1):
        padding = (kernel - 1) // 2
        super().__init__(
            nn.Conv2d(inputs, outputs, kernel, stride, padding, groups=groups, bias=False),
            nn.BatchNorm2d(outputs, momentum=0.1),
            nn.ReLU(inplace=False),
        )


class InvertedResidual(nn.Module):
    def __init__(self, inputs, outputs, stride, expansion):
        super().__init__()
        hidden = inputs * expansion
        self.use_res_connect = stride == 1 and inputs == outputs
        layers = [ConvBNReLU(inputs, hidden, kernel=1)] if expansion != 1 else []
        layers += [
            ConvBNReLU(hidden, hidden, stride=stride, groups=hidden),
            nn.Conv2d(hidden, outputs, 1, 1, 0, bias=False),
            nn.BatchNorm2d(outputs, momentum=0.1),
        ]
        self.conv = nn.Sequential(*layers)
        self.skip_add = FloatFunctional()

    def forward(self, x):
        if self.use_res_connect:
            return self.skip_add.add(x, self.conv(x))
        return self.conv(x)


class MobileNetV2(nn.Module):
    """The tutorial's network, with few channels and blocks."""

    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(
            ConvBNReLU(3, 8, stride=2),
            InvertedResidual(8, 8, 1, 1),
            InvertedResidual(8, 12, 2, 3),
            InvertedResidual(12, 12, 1, 3),
            ConvBNReLU(12, 32, kernel=1),
        )
        self.quant = QuantStub()
        self.dequant = DeQuantStub()
        self.classifier = nn.Sequential(nn.Dropout(0.2), nn.Linear(32, 10))

    def forward(self, x):
        x = self.quant(x)
        x = self.features(x)
        x = x.mean([2, 3])
        x = self.classifier(x)
        return self.dequant(x)

    def fuse_model(self):
        for m in self.modules():
            if type(m) is ConvBNReLU:
                fuse_modules(m, ["0", "1", "2"], inplace=True)
            if type(m) is InvertedResidual:
                for idx in range(len(m.conv)):
                    if type(m.conv[idx]) is nn.Conv2d:
                        fuse_modules(m.conv, [str(idx), str(idx + 1)], inplace=True)


class Images(nn.Module):
    """Modules that have a scale of their own, functions that keep their input's, and all of FloatFunctional."""

    def __init__(self):
        super().__init__()
        self.quant = QuantStub()
        self.conv1 = nn.Conv2d(3, 8, 3, padding=1)
        self.relu1 = nn.ReLU()
        self.bn1 = nn.BatchNorm2d(8)
        self.hardswish = nn.Hardswish()
        self.conv2 = nn.Conv2d(8, 8, 3, stride=2, padding=1, groups=4)
        self.leaky = nn.LeakyReLU(0.1)
        self.bn2 = nn.BatchNorm2d(8)
        self.relu2 = nn.ReLU()
        self.conv3 = nn.Conv2d(8, 8, 1)
        self.relu6 = nn.ReLU6()
        self.pool = nn.MaxPool2d(2)
        self.average = nn.AvgPool2d(2)
        self.gate = nn.Conv2d(8, 8, 1)
        self.sigmoid = nn.Sigmoid()
        self.multiply = FloatFunctional()
        self.join = FloatFunctional()
        self.add_relu = FloatFunctional()
        self.scalars = FloatFunctional()
        self.last = nn.AdaptiveAvgPool2d(1)
        self.fc1 = nn.Linear(16, 12)
        self.bn3 = nn.BatchNorm1d(12)
        self.fc2 = nn.Linear(12, 12)
        self.relu3 = nn.ReLU()
        self.norm = nn.LayerNorm(12)
        self.tanh = nn.Tanh()
        self.fc3 = nn.Linear(12, 5)
        self.dequant = DeQuantStub()

    def forward(self, x):
        x = self.relu1(self.conv1(self.quant(x)))
        x = self.hardswish(self.bn1(x))
        y = self.relu2(self.bn2(self.leaky(self.conv2(x))))
        z = self.relu6(self.conv3(y))
        z = self.multiply.mul(z, self.sigmoid(self.gate(y)))
        y = self.add_relu.add_relu(y, z)
        y = self.scalars.mul_scalar(self.scalars.add_scalar(y, 0.3), -1.5)
        x = self.join.cat([self.pool(y), self.average(z)], 1)
        x = torch.flatten(self.last(x), 1)
        x = self.relu3(self.fc2(self.bn3(self.fc1(x))))
        x = self.tanh(self.norm(x))
        return self.dequant(self.fc3(x))

    fused = [["conv1", "relu1"], ["bn2", "relu2"], ["fc1", "bn3"], ["fc2", "relu3"]]


class Signals(nn.Module):
    """Convolutions over signals, fused in all ways, and a part that stays in floating point."""

    def __init__(self):
        super().__init__()
        self.quant = QuantStub()
        self.conv1 = nn.Conv1d(2, 6, 3, padding=1)
        self.bn1 = nn.BatchNorm1d(6)
        self.relu1 = nn.ReLU()
        self.conv2 = nn.Conv1d(6, 6, 5, stride=2, groups=2)
        self.relu2 = nn.ReLU()
        self.conv3 = nn.Conv1d(6, 4, 3, dilation=2)
        self.bn3 = nn.BatchNorm1d(4)
        self.dequant = DeQuantStub()
        self.head = nn.Linear(4, 3)
        self.head.qconfig = None

    def forward(self, x):
        x = self.relu1(self.bn1(self.conv1(self.quant(x))))
        x = self.bn3(self.conv3(self.relu2(self.conv2(x))))
        return self.head(self.dequant(x).mean(2))

    fused = [["conv1", "bn1", "relu1"], ["conv2", "relu2"], ["conv3", "bn3"]]


class Trained(nn.Module):
    """Layers with and without batch norms, biases and ReLUs, for quantization aware training."""

    def __init__(self):
        super().__init__()
        self.quant = QuantStub()
        self.conv1 = nn.Conv2d(3, 6, 3, stride=2, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(6)
        self.relu1 = nn.ReLU()
        self.conv2 = nn.Conv2d(6, 6, 3, padding=1, groups=6)
        self.bn2 = nn.BatchNorm2d(6)
        self.conv3 = nn.Conv2d(6, 6, 1)
        self.relu3 = nn.ReLU()
        self.skip = FloatFunctional()
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.fc1 = nn.Linear(6, 8)
        self.bn4 = nn.BatchNorm1d(8)
        self.fc2 = nn.Linear(8, 8)
        self.relu4 = nn.ReLU()
        self.sigmoid = nn.Sigmoid()
        self.fc3 = nn.Linear(8, 4)
        self.dequant = DeQuantStub()

    def forward(self, x):
        x = self.relu1(self.bn1(self.conv1(self.quant(x))))
        x = self.skip.add(x, self.relu3(self.conv3(self.bn2(self.conv2(x)))))
        x = torch.flatten(self.pool(x), 1)
        x = self.sigmoid(self.relu4(self.fc2(self.bn4(self.fc1(x)))))
        return self.dequant(self.fc3(x))

    fused = [["conv1", "bn1", "relu1"], ["conv2", "bn2"], ["conv3", "relu3"], ["fc1", "bn4"], ["fc2", "relu4"]]


class Words(nn.Module):
    """The language model of PyTorch's dynamic_quantization_tutorial; returns the states as well."""

    def __init__(self):
        super().__init__()
        self.encoder = nn.Embedding(30, 12)
        self.rnn = nn.LSTM(12, 16, 2)
        self.decoder = nn.Linear(16, 30)

    def forward(self, x):
        output, (hidden, cell) = self.rnn(self.encoder(x))
        return self.decoder(output), hidden, cell


class Gated(nn.Module):
    def __init__(self):
        super().__init__()
        self.rnn = nn.GRU(5, 8, bidirectional=True, batch_first=True)
        self.fc = nn.Linear(16, 4)

    def forward(self, x):
        output, hidden = self.rnn(x)
        return self.fc(output), hidden


class Cells(nn.Module):
    def __init__(self):
        super().__init__()
        self.lstm = nn.LSTMCell(5, 8)
        self.gru = nn.GRUCell(8, 6)

    def forward(self, x):
        hidden, cell = self.lstm(x[0])
        state = self.gru(hidden)
        for step in x[1:]:
            hidden, cell = self.lstm(step, (hidden, cell))
            state = self.gru(hidden, state)
        return state, cell


def trained(model, generator):
    """Statistics and weights as of a trained network: none is 0 or 1."""
    for module in model.modules():
        if isinstance(module, (nn.BatchNorm1d, nn.BatchNorm2d)):
            size = module.num_features
            module.running_mean.copy_(0.5 * torch.randn(size, generator=generator))
            module.running_var.copy_(0.5 + torch.rand(size, generator=generator))
            module.weight.data.copy_(0.5 + torch.rand(size, generator=generator))
            module.bias.data.copy_(0.3 * torch.randn(size, generator=generator))
    return model.eval()


def write(folder, name, state, inputs, floats, outputs, converted):
    arrays = {f"state.{path}": value.numpy() for path, value in state.items()}
    arrays |= {f"calibration.{i}": x.numpy() for i, x in enumerate(inputs[:-1])}
    arrays["input"] = inputs[-1].numpy()
    for key, values in (("float", floats), ("output", outputs)):
        for i, value in enumerate(values):
            arrays[f"{key}.{i}"] = value.detach().numpy()
    modules = {}
    for path, module in converted.named_modules():
        if "quantized" not in type(module).__module__ or "packed" in path:
            continue
        entry = {"type": type(module).__name__}
        if hasattr(module, "scale"):
            entry |= {"scale": float(module.scale), "zero_point": int(module.zero_point)}
        weight = module.weight() if callable(getattr(module, "weight", None)) else None
        if isinstance(weight, torch.Tensor):
            arrays[f"weight.{path}"] = weight.int_repr().numpy()
        modules[path] = entry
    numpy.savez_compressed(folder / f"{name}.npz", **arrays)
    (folder / f"{name}.json").write_text(json.dumps(modules, indent=1) + "\n")


def tuple_of(value):
    return value if isinstance(value, tuple) else (value,)


def static(folder, name, model, inputs, qconfig, fuse):
    state = {path: value.clone() for path, value in model.state_dict().items()}
    floats = tuple_of(model(inputs[-1]))
    model = fuse(model)
    model.qconfig = qconfig
    prepared = prepare(model)
    for x in inputs[:-1]:
        prepared(x)
    converted = convert(prepared)
    write(folder, name, state, inputs, floats, tuple_of(converted(inputs[-1])), converted)


def dynamic(folder, name, model, x, spec, **options):
    state = {path: value.clone() for path, value in model.state_dict().items()}
    converted = quantize_dynamic(model, spec, **options)
    write(folder, name, state, [x], tuple_of(model(x)), tuple_of(converted(x)), converted)


def training(folder, name, model, inputs):
    state = {path: value.clone() for path, value in model.state_dict().items()}
    floats = tuple_of(model.eval()(inputs[-1]))
    fused = fuse_modules_qat(model.train(), model.fused)
    fused.qconfig = get_default_qat_qconfig("x86")
    prepared = prepare_qat(fused)
    optimizer = torch.optim.SGD(prepared.parameters(), lr=0.05, momentum=0.9)
    losses = []
    for x in inputs[:-1]:
        with torch.enable_grad():
            loss = F.cross_entropy(prepared(x), torch.arange(len(x)) % 4)
            loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        losses.append(loss.item())
    converted = convert(prepared.eval())
    outputs = (*tuple_of(converted(inputs[-1])), torch.tensor(losses))
    write(folder, name, state, inputs, floats, outputs, converted)


FUNCTIONS = {
    "relu": F.relu,
    "relu6": lambda x: torch.ops.quantized.relu6(x, False),
    "hardtanh": lambda x: F.hardtanh(x, -0.5, 0.7),
    "clamp": lambda x: torch.clamp(x, -0.4, 0.9),
    "leaky_relu": lambda x: F.leaky_relu(x, 0.2),
    "gelu": F.gelu,
    "sigmoid": torch.sigmoid,
    "hardsigmoid": F.hardsigmoid,
    "tanh": torch.tanh,
    "mean": lambda x: x.mean([2, 3]),
    "adaptive_avg_pool2d": lambda x: F.adaptive_avg_pool2d(x, 2),
    "avg_pool2d": lambda x: F.avg_pool2d(x, 3, 2, 1),
    "max_pool2d": lambda x: F.max_pool2d(x, 3, 2, 1),
    "pad": lambda x: F.pad(x, (1, 0, 2, 1), value=0.3),
    "flatten": lambda x: torch.flatten(x, 1),
    "permute": lambda x: x.permute(0, 2, 3, 1),
    "chunk": lambda x: x.chunk(2, 1)[1],
    "cat": lambda x: torch.cat([x, x], 1),
}
FUNCTIONALS = {
    "add": lambda q, x, y: q.add(x, y),
    "mul": lambda q, x, y: q.mul(x, y),
    "cat": lambda q, x, y: q.cat([x, y], 1),
    "addRelu": lambda q, x, y: q.add_relu(x, y),
    "matmul": lambda q, x, y: q.matmul(x, y),
    "addScalar 0.7": lambda q, x, y: q.add_scalar(x, 0.7),
    "addScalar -0.3": lambda q, x, y: q.add_scalar(x, -0.3),
    "addScalar 9": lambda q, x, y: q.add_scalar(x, 9.0),
    "addScalar -9": lambda q, x, y: q.add_scalar(x, -9.0),
    "mulScalar 1.7": lambda q, x, y: q.mul_scalar(x, 1.7),
    "mulScalar -0.6": lambda q, x, y: q.mul_scalar(x, -0.6),
    "mulScalar 0": lambda q, x, y: q.mul_scalar(x, 0.0),
}


def functions(folder, generator):
    """What functions make of quantized tensors: integers, scale and zero point."""

    def described(x):
        return {
            "shape": list(x.shape),
            "integers": x.int_repr().flatten().tolist(),
            "scale": x.q_scale(),
            "zeroPoint": x.q_zero_point(),
        }

    cases = []
    for dtype, zero_point in ((torch.quint8, 77), (torch.qint8, -9)):
        draw = lambda scale, zero: torch.quantize_per_tensor(
            torch.randn(2, 4, 5, 5, generator=generator), scale, zero, dtype
        )
        x, y = draw(0.02, zero_point), draw(0.017, zero_point + 5)
        functional = QFunctional()
        functional.scale, functional.zero_point = 0.031, zero_point - 3
        results = {name: described(function(x)) for name, function in FUNCTIONS.items()}
        several = {
            name: described(function(functional, x, y))
            for name, function in FUNCTIONALS.items()
        }
        cases.append(
            {
                "dtype": str(dtype).removeprefix("torch.q"),
                "x": described(x),
                "y": described(y),
                "output": {"scale": functional.scale, "zeroPoint": functional.zero_point},
                "functions": results,
                "functionals": several,
            }
        )
    (folder / "functions.json").write_text(json.dumps(cases) + "\n")


def main(folder):
    generator = torch.Generator().manual_seed(5)
    torch.manual_seed(5)
    images = [torch.randn(4, 3, 16, 16, generator=generator) for _ in range(4)]
    signals = [torch.randn(3, 2, 20, generator=generator) for _ in range(4)]

    def mobilenet(model):
        model.fuse_model()
        return model

    listed = lambda model: fuse_modules(model, model.fused)
    network = trained(MobileNetV2(), generator)
    static(folder, "mobilenet_default", network, images, default_qconfig, mobilenet)
    network = trained(MobileNetV2(), generator)
    static(folder, "mobilenet_x86", network, images, get_default_qconfig("x86"), mobilenet)
    static(folder, "images_x86", trained(Images(), generator), images, get_default_qconfig("x86"), listed)
    static(folder, "signals_onednn", trained(Signals(), generator), signals, get_default_qconfig("onednn"), listed)
    wrapped = QuantWrapper(nn.Sequential(nn.Linear(6, 9), nn.ReLU(), nn.Linear(9, 4)).eval())
    vectors = [torch.randn(5, 6, generator=generator) for _ in range(4)]
    static(folder, "wrapped_default", wrapped, vectors, default_qconfig, lambda model: model)

    training(folder, "trained", trained(Trained(), generator), images)

    functions(folder, generator)

    tokens = torch.randint(0, 30, (7, 3), generator=generator)
    dynamic(folder, "words", Words().eval(), tokens, {nn.LSTM, nn.Linear}, dtype=torch.qint8)
    dynamic(folder, "gated", Gated().eval(), torch.randn(3, 9, 5, generator=generator), None)
    dynamic(folder, "cells", Cells().eval(), torch.randn(4, 3, 5, generator=generator), None)
    spec = {"encoder": float_qparams_weight_only_qconfig}
    dynamic(folder, "table", Words().eval(), tokens, spec)


with torch.no_grad():
    target = Path(sys.argv[1])
    target.mkdir(parents=True, exist_ok=True)
    main(target)
