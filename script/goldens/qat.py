"""Quantization aware training of two small networks, three steps each with PyTorch 2.6 (test/training/qat-golden.test.ts):

    python3 script/goldens/qat.py models/tiny_cnn.pt2 test/fixtures/training

Writes the inputs, what every step found, the state afterwards, and the converted program with its results.
"""

import json
import sys

import numpy
import torch
import torch.ao.quantization.quantizer.x86_inductor_quantizer as xiq
import torch.nn.functional as F
from networks import Biased, TinyCNN
from torch.ao.quantization.quantize_pt2e import convert_pt2e, prepare_qat_pt2e

torch.set_num_threads(1)


def numbers(tensor):
    return [float(value) for value in tensor.detach().flatten()]


def train(model, inputs, labels, folder, name):
    captured = torch.export.export_for_training(model.train(), (inputs[0],)).module()
    quantizer = xiq.X86InductorQuantizer()
    quantizer.set_global(xiq.get_default_x86_inductor_quantization_config(is_qat=True))
    prepared = prepare_qat_pt2e(captured, quantizer)
    torch.ao.quantization.move_exported_model_to_train(prepared)
    optimizer = torch.optim.SGD(prepared.parameters(), lr=0.05, momentum=0.9, weight_decay=1e-3)
    steps = []
    for x, label in zip(inputs, labels):
        optimizer.zero_grad()
        loss = F.cross_entropy(prepared(x), label, label_smoothing=0.1)
        loss.backward()
        optimizer.step()
        steps.append({"loss": float(loss), "labels": label.tolist()})
    state = {
        path: numbers(tensor)
        for path, tensor in prepared.state_dict().items()
        if path.split(".")[0] in {"conv1", "bn1", "conv2", "bn2", "conv3", "bn3", "fc"}
        and not path.endswith("num_batches_tracked")
    }
    scales = {
        path: {"scale": numbers(module.scale), "zero_point": module.zero_point.flatten().tolist()}
        for path, module in prepared.named_modules()
        if hasattr(module, "activation_post_process")
    }
    torch.ao.quantization.move_exported_model_to_eval(prepared)
    with torch.no_grad():
        converted = convert_pt2e(prepared)
        results = converted(inputs[3])
    golden = {"steps": steps, "state": state, "scales": scales, "results": numbers(results)}
    with open(f"{folder}/{name}.json", "w") as file:
        json.dump(golden, file)
    with open(f"{folder}/{name}_converted.txt", "w") as file:
        file.write(str(converted.graph))


def main(program, folder):
    generator = torch.Generator().manual_seed(1)
    inputs = [torch.randn(4, 3, 16, 16, generator=generator) for _ in range(4)]
    labels = [torch.randint(0, 10, (4,), generator=generator) for _ in range(3)]
    numpy.savez(f"{folder}/qat_inputs.npz", *[x.numpy() for x in inputs])
    model = TinyCNN()
    model.load_state_dict(torch.export.load(program).state_dict, strict=False)
    train(model, inputs, labels, folder, "qat")
    torch.manual_seed(2)
    model = Biased()
    weights = {name: tensor.numpy() for name, tensor in model.state_dict().items()}
    numpy.savez(f"{folder}/qat_biased_weights.npz", **weights)
    train(model, inputs, labels, folder, "qat_biased")


main(*sys.argv[1:])
