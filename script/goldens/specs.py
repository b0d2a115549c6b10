"""What PyTorch 2.6's PT2E flow makes of one small model under every kind of specification: writes
test/fixtures/quantization/specs.pt2 and specs.json.

    python3 script/goldens/specs.py test/fixtures/quantization

Needs PyTorch 2.6 on the CPU (Debian 13: python3-torch). Seeded: running it again gives the same numbers.
specs.json holds the inputs and, by case, the prepared and the converted graph, the tensors that conversion made, and
the converted model's output for the first input.
"""

import json
import sys
from pathlib import Path

import torch
from torch import nn
from torch.ao.quantization.observer import MinMaxObserver, PerChannelMinMaxObserver, PlaceholderObserver
from torch.ao.quantization.quantize_pt2e import convert_pt2e, prepare_pt2e
from torch.ao.quantization.quantizer import QuantizationAnnotation, QuantizationSpec, Quantizer
from torch.ao.quantization.quantizer.composable_quantizer import ComposableQuantizer
from torch.ao.quantization.quantizer.embedding_quantizer import EmbeddingQuantizer
from torch.ao.quantization.quantizer.x86_inductor_quantizer import (
    X86InductorQuantizer,
    get_default_x86_inductor_quantization_config,
    get_x86_inductor_linear_dynamic_fp16_config,
)


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.table = nn.Embedding(12, 8)
        self.fc1 = nn.Linear(8, 16)
        self.fc2 = nn.Linear(16, 4)

    def forward(self, tokens):
        return self.fc2(torch.relu(self.fc1(self.table(tokens))))


class LinearQuantizer(Quantizer):
    """Inputs by one specification, weights by another, and outputs of the last layer by a third."""

    def __init__(self, activation, weight, output=None):
        self.activation, self.weight, self.output = activation, weight, output

    def annotate(self, model):
        for node in model.graph.nodes:
            if node.target == torch.ops.aten.linear.default:
                is_last = any(user.op == "output" for user in node.users)
                node.meta["quantization_annotation"] = QuantizationAnnotation(
                    input_qspec_map={node.args[0]: self.activation, node.args[1]: self.weight},
                    output_qspec=self.output if is_last else None,
                    _annotated=True,
                )

    def validate(self, model):
        pass


def spec(dtype, qscheme, observer, **more):
    return QuantizationSpec(dtype=dtype, qscheme=qscheme, observer_or_fake_quant_ctr=observer, **more)


def x86(config):
    return X86InductorQuantizer().set_global(config)


symmetric = spec(
    torch.int8, torch.per_tensor_symmetric, MinMaxObserver.with_args(eps=2**-12), quant_min=-127, quant_max=127
)
dynamic_symmetric = spec(
    torch.int8,
    torch.per_tensor_symmetric,
    PlaceholderObserver.with_args(eps=2**-12),
    quant_min=-127,
    quant_max=127,
    is_dynamic=True,
)
wide = spec(
    torch.int16, torch.per_tensor_affine, MinMaxObserver.with_args(eps=2**-20), quant_min=-32768, quant_max=32767
)
channels = spec(
    torch.int8, torch.per_channel_affine, PerChannelMinMaxObserver, quant_min=-128, quant_max=127, ch_axis=0
)
default = get_default_x86_inductor_quantization_config()
cases = {
    "embedding": (EmbeddingQuantizer(), {}),
    "composed": (ComposableQuantizer([EmbeddingQuantizer(), x86(default)]), {}),
    "unfolded": (x86(default), {"fold_quantize": False}),
    "float16 weights": (
        X86InductorQuantizer().set_module_type_qconfig(nn.Linear, get_x86_inductor_linear_dynamic_fp16_config()),
        {},
    ),
    "dynamic symmetric": (LinearQuantizer(dynamic_symmetric, symmetric), {}),
    "int16": (LinearQuantizer(wide, channels, wide), {}),
}


def tensors(model):
    made = {}
    for node in model.graph.nodes:
        if node.op == "get_attr" and "." not in node.target:
            value = getattr(model, node.target)
            made[node.target] = {"dtype": str(value.dtype), "shape": list(value.shape), "data": value.flatten().tolist()}
    return made


def main(folder):
    torch.manual_seed(0)
    model = Model().eval()
    generator = torch.Generator().manual_seed(1)
    inputs = [torch.randint(0, 12, (3, 5), generator=generator) for _ in range(3)]
    program = torch.export.export_for_training(model, (inputs[0],))
    torch.export.save(program, folder / "specs.pt2")
    golden = {"inputs": [x.tolist() for x in inputs]}
    for name, (quantizer, options) in cases.items():
        prepared = prepare_pt2e(torch.export.export_for_training(model, (inputs[0],)).module(), quantizer)
        case = {"prepared": str(prepared.graph)}
        for x in inputs:
            prepared(x)
        converted = convert_pt2e(prepared, **options)
        case |= {"converted": str(converted.graph), "tensors": tensors(converted)}
        case["output"] = converted(inputs[0]).flatten().tolist()
        golden[name] = case
    (folder / "specs.json").write_text(json.dumps(golden, indent=1) + "\n")


if __name__ == "__main__":
    with torch.no_grad():
        main(Path(sys.argv[1]))
