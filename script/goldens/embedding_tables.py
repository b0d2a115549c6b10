"""What PyTorch computes with embedding tables of 8 and 4 bits: writes test/fixtures/quantization/embedding_tables.npz.

    python3 script/goldens/embedding_tables.py test/fixtures/quantization

Needs PyTorch 2.6 on the CPU (Debian 13: python3-torch). Seeded. It holds `indices`, the `offsets` where bags begin, `factors`
of their rows, and of each table `WIDTH.BITS.` and then: `table` in float32; `stored`, the bytes that PyTorch quantizes it to
(of 4 bits two in a byte), with `scales` and `zero_points` by the observers of `EmbeddingQuantizer` and of
`float_qparams_weight_only_qconfig_4bit`; `embedding`, `sum` and `weighted`, by `torch.ops.quantized.embedding_byte`, `embedding_bag_byte` and those of 4 bits;
`mean` and `max`, which these do not compute, of the dequantized table; and `decomposed`, the integers of
`quantized_decomposed.quantize_per_channel`, which rounds before it adds a real zero point. PyTorch's operators keep the scale
and the smallest value of a row of 4 bits in float16.
"""

import sys
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch.ao.quantization import PerChannelMinMaxObserver, float_qparams_weight_only_qconfig_4bit
from torch.ao.quantization.fx import _decomposed  # noqa: F401 registers the operators

ROWS = 40
quantized, decomposed = torch.ops.quantized, torch.ops.quantized_decomposed
bytes_observer = PerChannelMinMaxObserver.with_args(
    dtype=torch.quint8, qscheme=torch.per_channel_affine_float_qparams, ch_axis=0, eps=2**-12
)
halves_observer = float_qparams_weight_only_qconfig_4bit.weight
KINDS = (
    (8, torch.quint8, bytes_observer, quantized.embedding_byte, quantized.embedding_bag_byte),
    (4, torch.quint4x2, halves_observer, quantized.embedding_4bit, quantized.embedding_bag_4bit),
)


def main():
    torch.manual_seed(0)
    indices, offsets, factors = torch.randint(0, ROWS, (23,)), torch.tensor([0, 5, 5, 6, 16]), torch.randn(23)
    arrays = {"indices": indices, "offsets": offsets, "factors": factors}
    for width in (16, 34):
        # Rows of very different ranges, one of a single value, and one that is far from 0.
        table = torch.randn(ROWS, width) * torch.logspace(-2, 2, ROWS)[:, None]
        table[3], table[4] = 0.75, table[4] + 100
        for bits, dtype, make_observer, embedding, bag in KINDS:
            observer = make_observer()
            observer(table)
            scales, zero_points = observer.calculate_qparams()
            stored = torch.quantize_per_channel(table, scales, zero_points, 0, dtype)
            packed = quantized.embedding_bag_prepack(stored)
            limits = (0, observer.quant_min, observer.quant_max, torch.uint8)
            found = {
                "table": table,
                "stored": stored.int_repr(),
                "scales": scales,
                "zero_points": zero_points,
                "embedding": embedding(packed, indices),
                "sum": bag(packed, indices, offsets, False, 0, False, None, None, False),
                "weighted": bag(packed, indices, offsets, False, 0, False, factors, None, False),
                **{mode: F.embedding_bag(indices, stored.dequantize(), offsets, mode=mode) for mode in ("mean", "max")},
                "decomposed": decomposed.quantize_per_channel(table, scales, zero_points, *limits),
            }
            arrays |= {f"{width}.{bits}.{name}": value for name, value in found.items()}
    np.savez_compressed(Path(sys.argv[1]) / "embedding_tables.npz", **{k: v.numpy() for k, v in arrays.items()})


with torch.no_grad():
    main()
