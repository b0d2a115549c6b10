"""What the observers and fake quantizers of PyTorch 2.6's default QConfigs make of seeded tensors: writes
test/fixtures/quantization/qconfigs.json.

    python3 script/goldens/qconfigs.py test/fixtures/quantization

Needs PyTorch 2.6 on the CPU (Debian 13: python3-torch). The file holds the tensors, three activations and a weight, and for each
configuration its observers' dtypes, ranges and schemes, and the parameters that they calculate.
"""

import json
import sys
from pathlib import Path

import torch
import torch.ao.quantization as q

CONFIGS = {
    "defaultActivationOnlyQconfig": q.default_activation_only_qconfig,
    "defaultDebugQconfig": q.default_debug_qconfig,
    "defaultDynamicQatQconfig": q.default_dynamic_qat_qconfig,
    "defaultDynamicQconfig": q.default_dynamic_qconfig,
    "defaultPerChannelQconfig": q.default_per_channel_qconfig,
    "defaultQatQconfig": q.default_qat_qconfig,
    "defaultQatQconfigV2": q.default_qat_qconfig_v2,
    "defaultQconfig": q.default_qconfig,
    "defaultQuint8WeightQconfig": q.default_quint8_weight_qconfig,
    "defaultReuseInputQconfig": q.default_reuse_input_qconfig,
    "defaultWeightOnlyQconfig": q.default_weight_only_qconfig,
    "float16DynamicQconfig": q.float16_dynamic_qconfig,
    "float16StaticQconfig": q.float16_static_qconfig,
    "floatQparamsWeightOnlyQconfig": q.float_qparams_weight_only_qconfig,
    "floatQparamsWeightOnlyQconfig4bit": q.float_qparams_weight_only_qconfig_4bit,
    "perChannelDynamicQconfig": q.per_channel_dynamic_qconfig,
    **{f"getDefaultQconfig {engine}": q.get_default_qconfig(engine) for engine in ("x86", "fbgemm", "onednn")},
    **{
        f"getDefaultQatQconfig {engine} {version}": q.get_default_qat_qconfig(engine, version)
        for engine in ("x86", "fbgemm", "onednn")
        for version in (0, 1)
    },
}
OBSERVERS = {
    "defaultHistogramObserver": q.default_histogram_observer,
    "weightObserverRangeNeg127To127": q.weight_observer_range_neg_127_to_127,
    "perChannelWeightObserverRangeNeg127To127": q.per_channel_weight_observer_range_neg_127_to_127,
    "fusedWtFakeQuantRangeNeg127To127": q.fused_wt_fake_quant_range_neg_127_to_127,
    "fusedPerChannelWtFakeQuantRangeNeg127To127": q.fused_per_channel_wt_fake_quant_range_neg_127_to_127,
    "defaultFixedQparamsRange0to1Observer": q.default_fixed_qparams_range_0to1_observer,
    "defaultFixedQparamsRangeNeg1to1Observer": q.default_fixed_qparams_range_neg1to1_observer,
    "defaultFixedQparamsRange0to1FakeQuant": q.default_fixed_qparams_range_0to1_fake_quant,
    "defaultFixedQparamsRangeNeg1to1FakeQuant": q.default_fixed_qparams_range_neg1to1_fake_quant,
}


def described(make, tensors):
    observer = make()
    if isinstance(observer, torch.nn.Identity):
        return None
    # Fake quantizers take range and scheme from their observer.
    inner = getattr(observer, "activation_post_process", observer)
    facts = {"class": type(observer).__name__, "dtype": str(observer.dtype), "isDynamic": bool(observer.is_dynamic)}
    for name in ("quant_min", "quant_max", "qscheme", "eps", "ch_axis"):
        value = getattr(inner, name, None)
        if isinstance(value, torch.Tensor):
            value = value.item()
        facts[name] = str(value) if name == "qscheme" and value is not None else value
    for tensor in tensors:
        observer(tensor)
    try:
        scale, zero_point = observer.calculate_qparams()
        facts |= {"scale": scale.flatten().tolist(), "zero_point": zero_point.flatten().tolist()}
    except Exception:  # Placeholders have none.
        pass
    return facts


def main(folder):
    generator = torch.Generator().manual_seed(0)
    activations = [torch.randn(4, 9, generator=generator) * size + 0.3 for size in (1.0, 2.5, 0.7)]
    weight = torch.randn(5, 7, generator=generator) * torch.tensor([[0.1], [1.0], [3.0], [0.02], [7.0]])
    golden = {
        "activations": [x.flatten().tolist() for x in activations],
        "weight": weight.flatten().tolist(),
        "configs": {
            name: {"activation": described(c.activation, activations), "weight": described(c.weight, [weight])}
            for name, c in CONFIGS.items()
        },
        "observers": {
            name: described(make, activations if name.startswith("default") else [weight])
            for name, make in OBSERVERS.items()
        },
    }
    (folder / "qconfigs.json").write_text(json.dumps(golden) + "\n")


if __name__ == "__main__":
    with torch.no_grad():
        main(Path(sys.argv[1]))
