"""What PyTorch 2.6 computes for the operators of lib/aten: writes test/fixtures/aten/FAMILY.json and FAMILY.bin.

    python3 script/goldens/aten.py test/fixtures/aten

Needs PyTorch 2.6 on the CPU (Debian 13: python3-torch). Seeded: running it again gives the same bytes.
FAMILY.json lists cases {op, args, kwargs, expected}; a tensor in them is {tensor: dtype, shape, offset}, its elements
lie row-major at byte `offset` of FAMILY.bin; a dtype is its name.
"""

import json
import sys
from pathlib import Path

import torch
import torch.ao.quantization.fx._decomposed  # registers torch.ops.quantized_decomposed

aten = torch.ops.aten
qd = torch.ops.quantized_decomposed
F32 = torch.float32


class Family:
    def __init__(self, name):
        self.name, self.cases, self.bytes, self.offsets = name, [], bytearray(), {}
        torch.manual_seed(len(name) + sum(map(ord, name)))

    def encode(self, value):
        if isinstance(value, torch.Tensor):
            value = value.detach().contiguous()
            raw = (value.view(torch.int16) if value.dtype == torch.bfloat16 else value).numpy().tobytes()
            if raw not in self.offsets:
                self.bytes.extend(b"\0" * (-len(self.bytes) % 8))
                self.offsets[raw] = len(self.bytes)
                self.bytes.extend(raw)
            return {"tensor": str(value.dtype)[6:], "shape": list(value.shape), "offset": self.offsets[raw]}
        if isinstance(value, torch.dtype):
            return str(value)[6:]
        if isinstance(value, (list, tuple)):
            return [self.encode(item) for item in value]
        return value

    def add(self, op, *args, **kwargs):
        arguments, named = self.encode(args), {k: self.encode(v) for k, v in kwargs.items()}
        # In-place operators would change what was just written down.
        copies = [a.clone() if isinstance(a, torch.Tensor) else a for a in args]
        result = op(*copies, **kwargs)
        name = str(op) if str(op).count(".") == 2 else f"{op}.default"
        self.cases.append({"op": name, "args": arguments, "kwargs": named, "expected": self.encode(result)})

    def write(self, folder):
        lines = ",\n".join(json.dumps(case, separators=(",", ":")) for case in self.cases)
        (folder / f"{self.name}.json").write_text(f"[\n{lines}\n]\n")
        (folder / f"{self.name}.bin").write_bytes(bytes(self.bytes))


def image(n, c, h, w):
    """Values of an activation: some far out, both signs."""
    return torch.randn(n, c, h, w) * 2


def activation():
    f = Family("activation")
    xs = [image(1, 3, 5, 7), image(2, 19, 3, 3), torch.randn(33) * 4, torch.zeros(0, 4), torch.tensor(-1.5)]
    plain = "relu relu6 hardswish hardsigmoid silu gelu sigmoid tanh mish exp abs neg square".split()
    for x in xs:
        for name in plain:
            f.add(getattr(aten, name).default, x)
        for name in "sqrt rsqrt log reciprocal".split():
            f.add(getattr(aten, name).default, x.abs() + 0.01)
        f.add(aten.gelu.default, x, approximate="tanh")
        f.add(aten.hardtanh.default, x)
        f.add(aten.hardtanh.default, x, 0.0, 6.0)
        f.add(aten.leaky_relu.default, x)
        f.add(aten.leaky_relu.default, x, 0.2)
        f.add(aten.elu.default, x)
        f.add(aten.elu.default, x, 0.5)
        f.add(aten.clamp.default, x, -0.5, 0.75)
        f.add(aten.clamp.default, x, None, 0.75)
        f.add(aten.clamp.default, x, 0.25)
        f.add(aten.clamp_min.default, x, 0.1)
        f.add(aten.clamp_max.default, x, 0.1)
        f.add(aten.pow.Tensor_Scalar, x, 2)
        f.add(aten.pow.Tensor_Scalar, x.abs() + 0.1, 0.7)
    for name in "relu_ relu6_ hardswish_ hardsigmoid_ silu_ sigmoid_ tanh_ gelu_ hardtanh_ leaky_relu_ elu_".split():
        f.add(getattr(aten, name).default, xs[0])
    for name in "relu hardswish silu gelu tanh".split():
        f.add(getattr(aten, name).default, xs[0].bfloat16())
    return f


def arithmetic():
    f = Family("arithmetic")
    pairs = [
        ((2, 5, 3, 4), (2, 5, 3, 4)),
        ((2, 5, 3, 4), (2, 5, 1, 1)),
        ((2, 5, 1, 1), (2, 5, 3, 4)),
        ((2, 5, 3, 4), (4,)),
        ((3, 1, 4), (1, 5, 1)),
        ((2, 700), (700,)),
        ((2, 700), (2, 1)),
        ((4,), ()),
        ((0, 3), (3,)),
        ((), ()),
    ]
    for a, b in pairs:
        x, y = torch.randn(a), torch.randn(b)
        for op in (aten.add.Tensor, aten.sub.Tensor, aten.mul.Tensor, aten.maximum.default, aten.minimum.default):
            f.add(op, x, y)
        f.add(aten.div.Tensor, x, y.abs() + 0.5)
        f.add(aten.add.Tensor, x, y, alpha=0.5)
        f.add(aten.sub.Tensor, x, y, alpha=3)
    x, y = image(2, 3, 4, 5), image(2, 3, 4, 5)
    for op in (aten.add_.Tensor, aten.sub_.Tensor, aten.mul_.Tensor, aten.div_.Tensor):
        f.add(op, x, y)
    for op in (aten.add.Scalar, aten.sub.Scalar, aten.mul.Scalar, aten.div.Scalar):
        f.add(op, x, 2.5)
    f.add(aten.add.Scalar, x, 2.5, 2)
    f.add(aten.rsub.Scalar, x, 1.0)
    f.add(aten.add.Tensor, x.bfloat16(), y.bfloat16())
    f.add(aten.mul.Tensor, x.bfloat16(), y)
    return f


def pooling():
    f = Family("pooling")
    for shape in [(1, 3, 8, 8), (2, 17, 9, 7), (1, 64, 5, 6), (3, 1, 4, 4), (0, 4, 6, 6)]:
        x = torch.randn(shape)
        u8 = torch.randint(0, 256, shape, dtype=torch.uint8)
        s8 = torch.randint(-128, 128, shape, dtype=torch.int8)
        for args in [(2,), (3, 2, 1), ([3, 2], [2, 1], [1, 0]), (3, 1, 1, 2), (3, 2, 0, 1, True), (2, 3, 1, 1, True)]:
            if args == (3, 1, 1, 2) and min(shape[2:]) < 4:
                continue
            f.add(aten.max_pool2d.default, x, *args)
            f.add(aten.max_pool2d.default, u8, *args)
            f.add(aten.max_pool2d.default, s8, *args)
        for args in [
            (2,),
            (3, 2, 1),
            (3, 2, 1, False, False),
            (3, 2, 1, True),
            (3, 2, 1, True, False),
            ([3, 2], [2, 3], [1, 0], True, True),
            (2, 2, 0, False, True, 3),
        ]:
            f.add(aten.avg_pool2d.default, x, *args)
        for size in ([1, 1], [2, 2], [3, 5], [4, 4], [7, 9]):
            f.add(aten.adaptive_avg_pool2d.default, x, size)
    for shape in [(2, 5, 11), (1, 32, 8)]:
        x = torch.randn(shape)
        f.add(aten.max_pool1d.default, x, 3, 2, 1)
        f.add(aten.max_pool1d.default, x, 2, [], 0, 2, True)
        f.add(aten.avg_pool1d.default, x, 3, 2, 1)
        f.add(aten.adaptive_avg_pool1d.default, x, [3])
        f.add(aten.adaptive_avg_pool1d.default, x, [1])
    f.add(aten.max_pool2d.default, image(1, 8, 6, 6).bfloat16(), 3, 2, 1)
    f.add(aten.avg_pool2d.default, image(1, 8, 6, 6).bfloat16(), 2)
    return f


def normalization():
    f = Family("normalization")
    for shape in [(1, 3, 5, 7), (2, 19, 4, 4), (4, 8), (2, 6, 9), (0, 3, 2, 2)]:
        c = shape[1]
        x, w, b = torch.randn(shape) * 3, torch.randn(c), torch.randn(c)
        mean, var = torch.randn(c), torch.rand(c) + 0.1
        f.add(aten.batch_norm.default, x, w, b, mean, var, False, 0.1, 1e-5, True)
        f.add(aten.batch_norm.default, x, None, None, mean, var, False, 0.1, 1e-3, True)
        f.add(aten.batch_norm.default, x, w, None, mean, var, False, 0.1, 1e-5, True)
    for shape in [(2, 7), (1, 3, 5, 6), (4, 1, 257), (0, 5), (2, 6, 3, 2)]:
        x = torch.randn(shape) * 5 + 2
        for dims in range(1, min(len(shape), 3)):
            normalized = list(shape[-dims:])
            w, b = torch.randn(normalized), torch.randn(normalized)
            f.add(aten.layer_norm.default, x, normalized, w, b)
            f.add(aten.layer_norm.default, x, normalized, None, None, 1e-3)
            f.add(aten.layer_norm.default, x, normalized, w)
        for axis in range(-1, len(shape) - 1):
            f.add(aten.softmax.int, x, axis)
            f.add(aten.log_softmax.int, x, axis)
    masked = torch.randn(3, 9).masked_fill(torch.rand(3, 9) < 0.5, -float("inf"))
    f.add(aten.softmax.int, masked, -1)
    f.add(aten.softmax.int, torch.full((2, 3), -float("inf")), -1)
    f.add(aten.softmax.int, torch.randn(3, 9) * 100, -1)
    f.add(aten.softmax.int, torch.randn(3, 9).bfloat16(), -1)
    f.add(aten.softmax.int, torch.tensor(2.0), 0)
    for groups in (1, 2, 6):
        x = torch.randn(2, 6, 3, 5) + 1
        f.add(aten.group_norm.default, x, groups, torch.randn(6), torch.randn(6))
        f.add(aten.group_norm.default, x, groups)
    return f


def reduction():
    f = Family("reduction")
    for shape in [(2, 3, 4, 5), (1, 300, 7), (5,), (0, 3), (2, 1, 513)]:
        x = torch.randn(shape) + 0.5
        f.add(aten.mean.default, x)
        f.add(aten.sum.default, x)
        axes = [[-1], [0], list(range(len(shape)))] + ([[1], [0, -1]] if len(shape) > 1 else [])
        for dim in axes:
            for keepdim in (False, True):
                f.add(aten.mean.dim, x, dim, keepdim)
                f.add(aten.sum.dim_IntList, x, dim, keepdim)
                if x.numel() > 0:
                    f.add(aten.amax.default, x, dim, keepdim)
                    f.add(aten.amin.default, x, dim, keepdim)
    f.add(aten.mean.dim, torch.randn(2, 5, 6, 4), [2, 3], True)
    f.add(aten.mean.dim, torch.randn(2, 5, 6, 4), [2, 3])
    f.add(aten.mean.dim, torch.randn(2, 5, 4).bfloat16(), [2])
    f.add(aten.amax.default, torch.tensor([[1.0, float("nan"), 2.0], [3.0, 4.0, 5.0]]), [1])
    return f


def attention():
    f = Family("attention")
    sdpa = aten.scaled_dot_product_attention.default
    for batch, length, keys, width, value in [((2, 3), 5, 7, 8, 6), ((1,), 1, 4, 3, 3), ((1, 2), 33, 17, 16, 16)]:
        q, k, v = torch.randn(*batch, length, width), torch.randn(*batch, keys, width), torch.randn(*batch, keys, value)
        f.add(sdpa, q, k, v)
        f.add(sdpa, q, k, v, scale=0.3)
        f.add(sdpa, q, k, v, torch.randn(length, keys))
        f.add(sdpa, q, k, v, torch.randn(*batch, length, keys))
        keep = torch.rand(length, keys) < 0.6
        keep[:, 0] = True
        f.add(sdpa, q, k, v, keep)
        f.add(sdpa, q, k, v, None, 0.0, True)
    q, k, v = torch.randn(1, 2, 4, 8), torch.randn(1, 2, 5, 8), torch.randn(1, 2, 5, 8)
    keep = torch.ones(4, 5, dtype=torch.bool)
    keep[2] = False
    f.add(sdpa, q, k, v, keep)
    return f


def embedding():
    f = Family("embedding")
    table = torch.randn(11, 5)
    f.add(aten.embedding.default, table, torch.tensor([[1, 0, 10], [3, 3, 2]]))
    f.add(aten.embedding.default, table, torch.tensor(4))
    f.add(aten.embedding.default, table, torch.randint(0, 11, (7,), dtype=torch.int32), 2)
    f.add(aten.embedding.default, table, torch.zeros(0, 3, dtype=torch.int64))
    f.add(aten.embedding.default, torch.randint(-128, 128, (6, 3), dtype=torch.int8), torch.tensor([5, 0]))
    return f


def movement():
    f = Family("movement")
    x = torch.randn(2, 3, 4, 5)
    q = torch.randint(0, 256, (2, 3, 4, 5), dtype=torch.uint8)
    i64 = torch.randint(-9, 9, (2, 3, 4, 5))
    for t in (x, q, i64, torch.randn(0, 3, 4, 5)):
        f.add(aten.permute.default, t, [0, 2, 3, 1])
        f.add(aten.permute.default, t, [3, -2, 0, 1])
        f.add(aten.transpose.int, t, 1, -1)
        f.add(aten.view.default, t, [-1, 12, 5])
        f.add(aten.flatten.using_ints, t, 1)
        f.add(aten.flatten.using_ints, t, 0, 2)
        f.add(aten.unflatten.int, t, 2, [2, -1])
        f.add(aten.unsqueeze.default, t, -1)
        f.add(aten.squeeze.dim, t[:, :1], 1)
        f.add(aten.squeeze.dim, t, 1)
        f.add(aten.squeeze.dims, t[:, :1, :, :1], [1, 3])
        f.add(aten.slice.Tensor, t, 2, 1, 3)
        f.add(aten.slice.Tensor, t, -1, -4, 9223372036854775807, 2)
        f.add(aten.slice.Tensor, t, 1, 2, 1)
        f.add(aten.select.int, t, 2, -1)
        f.add(aten.select.int, t, 1, 1)
        f.add(aten.split.Tensor, t, 2, 3)
        f.add(aten.split_with_sizes.default, t, [1, 3], 2)
        f.add(aten.chunk.default, t, 2, -1)
        f.add(aten.expand.default, t[:, :1], [-1, 7, -1, 5])
        f.add(aten.expand.default, t[:, :, :, :1], [6, -1, 3, 4, 5])
        for axis in (0, 1, 3):
            f.add(aten.cat.default, [t, t, t], axis)
        f.add(aten.cat.default, [t[:, :1], t, t[:, :2]], 1)
        f.add(aten.constant_pad_nd.default, t, [1, 2, 0, 1], 7)
        f.add(aten.constant_pad_nd.default, t, [-1, 2, 1, -2])
        f.add(aten.clone.default, t)
        f.add(aten.dropout.default, t, 0.5, False)
        f.add(aten._to_copy.default, t, dtype=F32)
    f.add(aten.t.default, torch.randn(3, 4))
    f.add(aten.pad.default, x, [1, 1], "constant", 2.5)
    f.add(aten.to.dtype, i64, torch.int32)
    f.add(aten.to.dtype, x, torch.bfloat16)
    f.add(aten.to.dtype, x.bfloat16(), F32)
    f.add(aten.to.dtype, i64, torch.bool)
    f.add(aten.flatten.using_ints, torch.tensor(3.0))
    return f


def quantized_decomposed():
    f = Family("quantized-decomposed")
    ties = torch.arange(-20, 21, dtype=F32) * 0.25  # halves after division by 0.5
    edges = torch.tensor([float("inf"), -float("inf"), 1e30, -1e30, 0.0, -0.0, 1e-30])
    for x in (torch.randn(2, 3, 6, 5) * 3, torch.randn(1, 70, 2, 3), torch.randn(1031) * 9, ties, edges, torch.zeros(0, 2)):
        for scale, zp, low, high, dtype in [
            (0.5, 3, 0, 255, torch.uint8),
            (0.0371, 128, 0, 255, torch.uint8),
            (0.0123, 0, 0, 127, torch.uint8),
            (0.0371, 0, -128, 127, torch.int8),
            (0.02, -5, -127, 127, torch.int8),
            (0.001, 7, -32768, 32767, torch.int16),
        ]:
            f.add(qd.quantize_per_tensor.default, x, scale, zp, low, high, dtype)
            q = qd.quantize_per_tensor.default(x, scale, zp, low, high, dtype)
            f.add(qd.dequantize_per_tensor.default, q, scale, zp, low, high, dtype)
            s, z = torch.tensor([scale], dtype=torch.float64), torch.tensor([zp])
            f.add(qd.quantize_per_tensor.tensor, x, s, z, low, high, dtype)
            f.add(qd.dequantize_per_tensor.tensor, q, s.float(), z.int(), low, high, dtype)
    x = torch.randn(7, 5, 3, 2)
    for axis in (0, 1, 3):
        n = x.shape[axis]
        scales, zps = torch.rand(n) * 0.05 + 0.01, torch.randint(-5, 6, (n,))
        args = (scales, zps, axis, -128, 127, torch.int8)
        f.add(qd.quantize_per_channel.default, x, *args)
        q = qd.quantize_per_channel.default(x, *args)
        f.add(qd.dequantize_per_channel.default, q, *args)
        f.add(qd.dequantize_per_channel.default, q, scales, None, axis, -128, 127, torch.int8)
        f.add(qd.dequantize_per_channel.default, q, scales.double(), zps, axis, -128, 127, torch.int8)
    f.add(qd.quantize_per_tensor.default, image(1, 3, 4, 4).bfloat16(), 0.03, 120, 0, 255, torch.uint8)
    for x in (torch.randn(40001), torch.rand(3, 5) + 1, -torch.rand(7) - 1, torch.zeros(4)):
        f.add(qd.choose_qparams.tensor, x, 0, 255, 2**-12, torch.uint8)
        f.add(qd.choose_qparams.tensor, x, -128, 127, 1e-5, torch.int8)
        f.add(qd.choose_qparams_symmetric.tensor, x, -127, 127, 2**-12, torch.int8)
        f.add(qd.choose_qparams_symmetric.tensor, x, 0, 255, 2**-12, torch.uint8)
    return f


def product():
    f = Family("product")
    c = torch.randn
    for x, w, b, more in [
        (c(2, 3, 9, 8), c(8, 3, 3, 3), c(8), ([2, 2], [1, 1])),
        (c(1, 16, 5, 5), c(16, 1, 3, 3), None, ([1, 1], [1, 1], [1, 1], 16)),
        (c(1, 6, 7, 9), c(4, 3, 2, 3), c(4), ([1, 2], [0, 2], [2, 1], 2)),
        (c(3, 20, 4, 4), c(12, 20, 1, 1), c(12), ([2, 2],)),
    ]:
        f.add(aten.conv2d.default, x, w, b, *more)
        stride, padding, dilation, groups = [*more, *[[1, 1], [0, 0], [1, 1], 1][len(more):]]
        f.add(aten.convolution.default, x, w, b, stride, padding, dilation, False, [0, 0], groups)
    f.add(aten.conv2d.padding, c(1, 4, 6, 7), c(5, 4, 4, 3), c(5), [1, 1], "same", [1, 2])
    f.add(aten.conv2d.padding, c(1, 4, 6, 7), c(5, 4, 4, 3), None, [2, 1], "valid")
    f.add(aten.conv1d.default, c(2, 6, 11), c(8, 3, 3), c(8), [2], [1], [2], 2)
    f.add(aten.conv1d.padding, c(2, 4, 11), c(8, 4, 4), None, [1], "same")
    for shape in ([7], [3, 7], [2, 3, 7], [2, 1, 4, 7]):
        f.add(aten.linear.default, c(shape), c(5, 7), c(5))
        f.add(aten.linear.default, c(shape), c(1, 7))
    f.add(aten.mm.default, c(4, 6), c(6, 3))
    f.add(aten.bmm.default, c(2, 4, 6), c(2, 6, 3))
    for a, b in [([6], [6]), ([6], [6, 3]), ([4, 6], [6]), ([2, 4, 6], [6, 3]), ([4, 6], [5, 6, 3]), ([2, 6], [5, 3, 6, 4]),
                 ([2, 1, 4, 6], [5, 6, 3]), ([3, 2, 4, 6], [6]), ([6], [2, 6, 3])]:
        f.add(aten.matmul.default, c(a), c(b))
    for bias in ([3], [1, 3], [4, 1], [4, 3]):
        f.add(aten.addmm.default, c(bias), c(4, 6), c(6, 3))
        f.add(aten.addmm.default, c(bias), c(4, 6), c(6, 3), beta=0.5, alpha=2)
    f.add(aten.addmm.default, c(3), c(4, 6), c(6, 3), beta=0)
    f.add(aten.linear.default, c(3, 7).bfloat16(), c(5, 7).bfloat16(), c(5).bfloat16())
    f.add(aten.conv2d.default, c(1, 4, 5, 5).bfloat16(), c(6, 4, 3, 3).bfloat16(), c(6).bfloat16())
    return f


def fused_convolution():
    """Inductor's quantized convolutions. Debian 13's PyTorch cannot run the linears on Debian 13's oneDNN."""
    f = Family("fused_convolution")
    ops = torch.ops.onednn

    def add(name, x, w, groups, out, call, accum=None):
        dims = w.dim() - 2
        w_scale, w_zero_point = torch.rand(w.shape[0]) * 0.01 + 0.002, torch.zeros(w.shape[0], dtype=torch.int64)
        geometry = [[1] * dims, [1] * dims, [1] * dims, groups]
        packed = ops.qconv_prepack(w, w_scale, 0.02, 5, *geometry, list(x.shape))
        output = [0.05, 7, out] if out == torch.uint8 else [1.0, 0, out]
        rest = [torch.randn(w.shape[0]), *geometry, *output, *call]
        op = getattr(ops, name.split(".")[1])
        op = getattr(op, name.split(".")[2])
        # The accumulator is written to, and must be channels-last.
        given = [accum.contiguous(memory_format=torch.channels_last)] if accum is not None else []
        plain = f.encode([x, 0.02, 5, w, w_scale, w_zero_point, *([accum] if accum is not None else []), *rest])
        result = op(x, 0.02, 5, packed, w_scale, w_zero_point, *given, *rest)
        f.cases.append({"op": name, "args": plain, "kwargs": {}, "expected": f.encode(result)})

    def u8(*shape):
        return torch.randint(0, 256, shape, dtype=torch.uint8)

    def weight(*shape):
        return torch.randint(-127, 128, shape, dtype=torch.int8)

    unaries = [("none", [], ""), ("relu", [], ""), ("hardtanh", [0.0, 6.0], ""), ("hardswish", [], ""), ("swish", [], "")]
    for out in (torch.uint8, F32, torch.bfloat16):
        for groups in (1, 2):
            for unary in unaries:
                shape = (1, 4, 5, 6), (8, 4 // groups, 3, 3)
                add("onednn.qconv2d_pointwise.default", u8(*shape[0]), weight(*shape[1]), groups, out, unary)
    add("onednn.qconv1d_pointwise.default", u8(2, 4, 6), weight(8, 4, 3), 1, torch.uint8, unaries[0])
    for unary in unaries[:2]:
        for out, accum, parameters in [
            (torch.uint8, u8(1, 8, 5, 6), [0.03, 9]),
            (F32, torch.randn(1, 8, 5, 6), [1.0, 0]),
            (torch.bfloat16, torch.randn(1, 8, 5, 6).bfloat16(), [1.0, 0]),
        ]:
            call = [*parameters, "sum", 1.0, *unary]
            add("onednn.qconv2d_pointwise.binary", u8(1, 4, 5, 6), weight(8, 4, 3, 3), 1, out, call, accum)
    return f


if __name__ == "__main__":
    target = Path(sys.argv[1])
    families = (activation, arithmetic, pooling, normalization, reduction, attention, embedding, movement)
    families += (quantized_decomposed, product, fused_convolution)
    for family in families:
        family().write(target)
