"""What FX graph mode of PyTorch 2.6 makes of small networks by its x86 configurations: writes test/fixtures/fx/goldens.json and
test/fixtures/fx/tensors.npz.

    python3 script/goldens/fx.py models test/fixtures/fx

Needs PyTorch 2.6 on an x86 CPU (Debian 13: python3-torch). Seeded: running it again gives the same numbers, but for the outputs of
`convert_fx`, whose kernels depend on the CPU. tensors.npz holds states, inputs and outputs. goldens.json holds, by case, what was
observed in the prepared graph, in its order: the node, which observer, and its scale and zero point; and the scales of weights.
"""

import copy
import io
import json
import sys
import zipfile
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from fx_networks import Attention, GlyphMobileNet, GlyphResNet, Mixed, Reshaped, Words
from networks import TinyCNN
from torch import nn
from torch.ao.nn.intrinsic import _FusedModule
from torch.ao.quantization import (
    QConfigMapping,
    default_dynamic_qconfig,
    default_per_channel_qconfig,
    default_qconfig,
    float16_dynamic_qconfig,
    float_qparams_weight_only_qconfig,
    get_default_qat_qconfig_mapping,
    get_default_qconfig,
    get_default_qconfig_mapping,
    per_channel_dynamic_qconfig,
)
from torch.ao.quantization.backend_config import (
    BackendPatternConfig,
    DTypeConfig,
    DTypeWithConstraints,
    get_native_backend_config,
)
from torch.ao.quantization.backend_config.x86 import get_x86_backend_config
from torch.ao.quantization.observer import _is_activation_post_process
from torch.ao.quantization.quantize_fx import convert_fx, convert_to_reference_fx, prepare_fx, prepare_qat_fx

tensors = {}
goldens = {}


def observed(prepared):
    """In graph order: the node, the number of its observer, and what that calculates."""
    modules = dict(prepared.named_modules(remove_duplicate=False))
    numbers, found = {}, []
    for node in prepared.graph.nodes:
        if node.op != "call_module" or not _is_activation_post_process(modules[node.target]):
            continue
        observer = modules[node.target]
        if node.args[0].op == "get_attr":
            continue
        number = numbers.setdefault(id(observer), len(numbers))
        if observer.is_dynamic:
            found.append({"node": node.args[0].name, "observer": number})
            continue
        scale, zero_point = observer.calculate_qparams()
        found.append(
            {"node": node.args[0].name, "observer": number, "scale": scale.item(), "zero_point": zero_point.item()}
        )
    return found


def weights(reference):
    """Scales of the weights of modules, by the modules' names in the float model."""
    fused = {name for name, module in reference.named_modules() if isinstance(module, _FusedModule)}
    found = {}
    for name, module in reference.named_modules():
        parent, _, last = name.rpartition(".")
        own = parent if parent in fused and last == "0" else name
        if isinstance(getattr(module, "weight_scale", None), torch.Tensor):
            found[own] = module.weight_scale.flatten().tolist()
    return found


def case(name, model, mapping, batches, backend=None):
    with torch.no_grad():
        prepared = prepare_fx(model, mapping, (batches[0],), backend_config=backend)
        for x in batches:
            prepared(x)
        goldens[name] = {"observed": observed(prepared)}
        # Converting takes the configurations off the modules.
        reference = convert_to_reference_fx(copy.deepcopy(prepared), backend_config=backend)
        quantized = None
        # oneDNN's kernels have no float16 weights.
        if mapping.global_qconfig is not float16_dynamic_qconfig:
            quantized = convert_fx(prepared, backend_config=backend)
        goldens[name]["weights"] = weights(reference)
        tensors[f"{name}/reference"] = reference(batches[-1]).numpy()
        if quantized is not None:
            tensors[f"{name}/quantized"] = quantized(batches[-1]).numpy()


def state_of(name, model):
    for key, value in model.state_dict().items():
        tensors[f"{name}/state/{key}"] = value.numpy()


def glyphs(models, file, count):
    pixels = np.load(models / "glyphs" / file)["x"][:count]
    return (torch.from_numpy(pixels).float() / 255 - 0.5) / 0.25


def stored(models, name, model):
    # Read past torch.export.load, which trips over paths with commas in these files.
    with zipfile.ZipFile(models / f"{name}.pt2") as archive:
        state = torch.load(io.BytesIO(archive.read("serialized_state_dict.pt")))
    model.load_state_dict(state)
    return model.eval()


def images(generator, count):
    return [torch.randn(2, 3, 8, 8, generator=generator) for _ in range(count)]


def main(models, folder):
    # The kernels that the engine x86 takes on CPUs with VNNI; Debian's PyTorch has no others.
    torch.backends.quantized.engine = "onednn"
    torch.manual_seed(0)
    generator = torch.Generator().manual_seed(1)
    default = get_default_qconfig_mapping("x86")

    calibration = list(glyphs(models, "calib.npz", 128).split(64)) + [glyphs(models, "test.npz", 16)]
    for name, network in (("glyph_resnet", GlyphResNet()), ("glyph_mobilenet", GlyphMobileNet())):
        case(name, stored(models, name, network), default, calibration)

    batches = images(generator, 4)
    for i, x in enumerate(batches):
        tensors[f"images/{i}"] = x.numpy()
    case("tiny_cnn", stored(models, "tiny_cnn", TinyCNN()), default, batches)

    mixed = Mixed().eval()
    mixed.bn.running_mean.uniform_(-0.2, 0.2)
    mixed.bn.running_var.uniform_(0.5, 1.5)
    state_of("mixed", mixed)
    case("mixed", mixed, default, batches)
    case("mixed, onednn", mixed, get_default_qconfig_mapping("onednn"), batches)
    case("mixed, x86 backend config", mixed, default, batches, get_x86_backend_config())
    # Known ranges need their own observers: without them their operators stay in float.
    case("mixed, one qconfig", mixed, QConfigMapping().set_global(default_qconfig), batches)
    case(
        "mixed, by name",
        mixed,
        QConfigMapping()
        .set_global(get_default_qconfig("x86"))
        .set_object_type(nn.Linear, default_per_channel_qconfig)
        .set_object_type(torch.cat, None)
        .set_module_name_regex("conv[0-9]", default_qconfig)
        .set_module_name("conv2", None)
        .set_module_name("fc2", None)
        .set_module_name_object_type_order("", nn.Conv2d, 3, default_per_channel_qconfig),
        batches,
    )
    narrow = DTypeConfig(
        input_dtype=DTypeWithConstraints(dtype=torch.quint8, quant_min_lower_bound=0, quant_max_upper_bound=100),
        output_dtype=torch.quint8,
        weight_dtype=torch.qint8,
        bias_dtype=torch.float,
    )
    restricted = get_native_backend_config()
    for pattern in (nn.Linear, (nn.Linear, nn.ReLU)):
        restricted.set_backend_pattern_config(BackendPatternConfig(pattern).set_dtype_configs([narrow]))
    restricted.set_backend_pattern_config(BackendPatternConfig(nn.Hardswish))
    case("mixed, restricted backend", mixed, default, batches, restricted)

    attention = Attention().eval()
    state_of("attention", attention)
    rows = [torch.randn(3, 6, 16, generator=generator) for _ in range(3)]
    for i, x in enumerate(rows):
        tensors[f"rows/{i}"] = x.numpy()
    case("attention", attention, default, rows)
    case("attention, x86 backend config", attention, default, rows, get_x86_backend_config())
    for name, qconfig in (
        ("dynamic", default_dynamic_qconfig),
        ("per channel dynamic", per_channel_dynamic_qconfig),
        ("float16", float16_dynamic_qconfig),
    ):
        case(f"attention, {name}", attention, QConfigMapping().set_global(qconfig), rows)

    reshaped = Reshaped().eval()
    state_of("reshaped", reshaped)
    case("reshaped", reshaped, default, rows)

    words = Words().eval()
    state_of("words", words)
    tokens = torch.randint(0, 20, (4, 7), generator=generator)
    tensors["tokens/0"] = tokens.numpy()
    mapping = (
        QConfigMapping()
        .set_object_type(nn.Embedding, float_qparams_weight_only_qconfig)
        .set_object_type(nn.LSTM, default_dynamic_qconfig)
        .set_object_type(nn.Linear, default_dynamic_qconfig)
        .set_object_type(nn.ReLU, default_dynamic_qconfig)
    )
    case("words", words, mapping, [tokens])

    # Training, three steps.
    tiny = stored(models, "tiny_cnn", TinyCNN()).train()
    prepared = prepare_qat_fx(tiny, get_default_qat_qconfig_mapping("x86"), (batches[0],))
    optimizer = torch.optim.SGD(prepared.parameters(), lr=0.02)
    losses = []
    for i, x in enumerate(batches[:3]):
        optimizer.zero_grad()
        loss = F.cross_entropy(prepared(x), torch.tensor([i, i + 1]))
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    with torch.no_grad():
        prepared.eval()
        goldens["training"] = {"losses": losses, "observed": observed(prepared), "weights": {}}
        tensors["training/reference"] = convert_to_reference_fx(prepared)(batches[-1]).numpy()

    folder.mkdir(exist_ok=True)
    (folder / "goldens.json").write_text(json.dumps(goldens) + "\n")
    np.savez_compressed(folder / "tensors.npz", **tensors)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
