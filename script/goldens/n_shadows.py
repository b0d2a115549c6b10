"""What PyTorch 2.6's n-shadows model finds for several configurations of every layer (test/numerics/n-shadows.test.ts):

    python3 script/goldens/n_shadows.py test/fixtures/numerics/n_shadows.json

Each shadow is prepared and converted by PT2E, with a configuration of the X86 quantizer in the place of a QConfig.
"""

import json
import sys

import torch
import torch.ao.quantization.quantizer.x86_inductor_quantizer as xiq
from torch import nn
from torch.ao.ns._numeric_suite_fx import (
    convert_n_shadows_model,
    extract_results_n_shadows_model,
    loggers_set_enabled,
    loggers_set_save_activations,
    prepare_n_shadows_model,
)
from torch.ao.ns.fx.qconfig_multi_mapping import QConfigMultiMapping
from torch.ao.quantization import (
    QConfigMapping,
    default_dynamic_qconfig,
    default_per_channel_qconfig,
    default_qconfig,
)
from torch.ao.quantization.backend_config import BackendConfig, BackendPatternConfig, DTypeConfig, ObservationType
from torch.ao.quantization.quantize_pt2e import convert_pt2e, prepare_pt2e
from torch.export import export_for_training

torch.set_num_threads(1)

CONFIGS = {
    "static": (default_qconfig, xiq.get_default_x86_inductor_quantization_config()),
    "reduced": (default_per_channel_qconfig, xiq.get_default_x86_inductor_quantization_config(reduce_range=True)),
    "dynamic": (default_dynamic_qconfig, xiq.get_default_x86_inductor_quantization_config(is_dynamic=True)),
}


def network():
    torch.manual_seed(11)
    return nn.Sequential(
        nn.Conv2d(3, 4, 3), nn.Conv2d(4, 6, 3, groups=2), nn.Flatten(), nn.Linear(96, 8), nn.Linear(8, 5)
    ).eval()


def backend():
    """Convolutions and linear layers, each by itself: fused ones would be compared behind what follows them."""
    types = DTypeConfig(torch.quint8, torch.quint8, torch.qint8, torch.float)
    return BackendConfig("x86").set_backend_pattern_configs(
        [
            BackendPatternConfig(pattern)
            .set_observation_type(ObservationType.OUTPUT_USE_DIFFERENT_OBSERVER_AS_INPUT)
            .add_dtype_config(types)
            .set_root_module(pattern)
            .set_reference_quantized_module(reference)
            for pattern, reference in [
                (nn.Conv2d, torch.ao.nn.quantized.reference.Conv2d),
                (nn.Linear, torch.ao.nn.quantized.reference.Linear),
            ]
        ]
    )


def observers_of(qconfig):
    return [type(observer()) for observer in (qconfig.activation, qconfig.weight)]


def prepare(module, qconfig_mapping, example_inputs):
    observers = observers_of(qconfig_mapping.global_qconfig)
    config = next(config for marker, config in CONFIGS.values() if observers_of(marker) == observers)
    exported = export_for_training(module, example_inputs).module()
    return prepare_pt2e(exported, xiq.X86InductorQuantizer().set_global(config))


def main(path):
    model = network()
    parameters = {name: tensor.flatten().tolist() for name, tensor in model.state_dict().items()}
    generator = torch.Generator().manual_seed(12)
    batches = [torch.randn(4, 3, 8, 8, generator=generator) for _ in range(4)]
    mappings = [QConfigMapping().set_global(marker) for marker, _ in CONFIGS.values()]
    with torch.no_grad():
        shadows = prepare_n_shadows_model(
            model,
            (batches[0],),
            QConfigMultiMapping.from_list_qconfig_mapping(mappings),
            backend(),
            custom_prepare_fn=prepare,
        )
        for batch in batches[:2]:
            shadows(batch)
        convert_n_shadows_model(shadows, custom_convert_fn=convert_pt2e)
        loggers_set_enabled(shadows, True)
        loggers_set_save_activations(shadows, True)
        for batch in batches[2:]:
            shadows(batch)
    results = extract_results_n_shadows_model(shadows)["model"]["node_output"]
    layers = {}
    for name, (result,) in results.items():
        _, layer, candidate = name.split("_")
        entry = layers.setdefault(layer, {"fqn": result["fqn"], "candidates": {}})
        if candidate == "0":
            entry["values"] = [value.flatten().tolist() for value in result["values"]]
            continue
        comparisons = [float(value) for value in result["comparisons"]]
        # Of a layer that stays in floating point nothing differs.
        if all(value == value and abs(value) != float("inf") for value in comparisons):
            entry["candidates"][list(CONFIGS)[int(candidate) - 1]] = {
                "sqnr": comparisons,
                "first": result["values"][0].flatten()[:8].tolist(),
            }
    golden = {
        "parameters": parameters,
        "batches": [batch.flatten().tolist() for batch in batches],
        "layers": list(layers.values()),
    }
    with open(path, "w") as file:
        json.dump(golden, file)


main(*sys.argv[1:])
