"""What PyTorch computes for operators of elements, of any dtype: writes FAMILY.json and FAMILY.bin as aten.py does.

    python3 script/goldens/elements.py test/fixtures/aten

A call that PyTorch refuses is a case, too: {"error": message} is expected then. Numbers that JSON does not have are
{"number": "inf"}.
"""

import itertools
import math
import sys
from pathlib import Path

import aten as base
import torch

aten = torch.ops.aten
F64, F32, F16, BF16 = torch.float64, torch.float32, torch.float16, torch.bfloat16
I64, I32, I16, I8, U8, BOOL = torch.int64, torch.int32, torch.int16, torch.int8, torch.uint8, torch.bool
FLOATS, INTEGERS = (F64, F32, F16, BF16), (I64, I32, I16, I8, U8)


class Family(base.Family):
    def encode(self, value):
        if isinstance(value, float) and not math.isfinite(value):
            return {"number": str(value)}
        return super().encode(value)

    def add(self, op, *args, **kwargs):
        try:
            super().add(op, *args, **kwargs)
        except (RuntimeError, IndexError, ZeroDivisionError) as error:
            named = {k: self.encode(v) for k, v in kwargs.items()}
            message = str(error).split("\n")[0]
            self.cases.append({"op": str(op), "args": self.encode(args), "kwargs": named, "expected": {"error": message}})


def values(dtype, *shape, low=-9, high=9):
    """Whole and half numbers around 0, as far as the dtype has them: many ties and equal pairs."""
    if dtype == BOOL:
        return torch.randint(0, 2, shape, dtype=dtype)
    if not dtype.is_floating_point:
        return torch.randint(0 if dtype == U8 else low, high, shape, dtype=dtype)
    return (torch.randint(2 * low, 2 * high, shape).to(F64) / 2 + torch.randint(0, 2, shape) * 0.25 * torch.rand(shape)).to(dtype)


def numbers(dtype, *shape, low=-9, high=9):
    """The same with NaN and infinity among them."""
    x = values(dtype, *shape, low=low, high=high)
    if dtype.is_floating_point and x.numel() > 5:
        flat = x.view(-1)
        flat[1], flat[3], flat[5] = float("nan"), float("inf"), float("-inf")
    return x


PAIRS = [(t, t) for t in (*FLOATS, *INTEGERS, BOOL)]
PAIRS += [(I64, F32), (BOOL, F32), (F32, F64), (F16, F32), (F16, BF16), (BF16, I64), (I16, F16), (U8, I8), (I32, I64), (U8, I64), (BOOL, U8)]
SHAPES = [((3, 5), (5,)), ((6,), ()), ((), (2, 3))]
MORE_SHAPES = [((2, 3, 5), (2, 3, 5)), ((2, 3, 5), (3, 1)), ((4, 1), (7,)), ((), ()), ((0, 3), (3,))]
OPERANDS = list(itertools.product(PAIRS, SHAPES)) + list(itertools.product([(F32, F32), (I64, F32), (I64, I64)], MORE_SHAPES))


def binary():
    f = Family("binary")
    ops = [aten.add.Tensor, aten.sub.Tensor, aten.mul.Tensor, aten.div.Tensor, aten.maximum.default, aten.minimum.default]
    ops += [aten.eq.Tensor, aten.ne.Tensor, aten.lt.Tensor, aten.le.Tensor, aten.gt.Tensor, aten.ge.Tensor]
    ops += [aten.logical_and.default, aten.logical_or.default, aten.logical_xor.default]
    ops += [aten.bitwise_and.Tensor, aten.bitwise_or.Tensor, aten.bitwise_xor.Tensor]
    ops += [aten.atan2.default, aten.fmax.default, aten.fmin.default]
    for (a, b), (s, t) in OPERANDS:
        x, y = numbers(a, *s), numbers(b, *t)
        for op in ops:
            f.add(op, x, y)
    for a, b in PAIRS:
        x, y = values(a, 3, 7), values(b, 7, low=1)
        y = torch.where(y == 0, torch.ones_like(y), y)
        for op in (aten.floor_divide.default, aten.remainder.Tensor, aten.fmod.Tensor):
            f.add(op, x, y)
            f.add(op, x, -y if b not in (BOOL, U8) else y)
        for mode in ("trunc", "floor", None):
            f.add(aten.div.Tensor_mode, x, y, rounding_mode=mode)
        f.add(aten.pow.Tensor_Tensor, values(a, 3, 7, low=-3, high=4), values(b, 7, low=0, high=4))
        f.add(aten.copysign.Tensor, x, y)
        f.add(aten.rsub.Tensor, x, y)
        f.add(aten.add.Tensor, x, y, alpha=3)
        f.add(aten.sub.Tensor, x, y, alpha=2)
        f.add(aten.add.Tensor, x, y, alpha=0.5)
        for op in (aten.add_.Tensor, aten.mul_.Tensor, aten.div_.Tensor):
            f.add(op, x, y)
    for a in INTEGERS:
        f.add(aten.bitwise_left_shift.Tensor, values(a, 9), values(a, 9, low=0, high=7))
        f.add(aten.bitwise_right_shift.Tensor, values(a, 9), values(a, 9, low=0, high=70 if a == I64 else 9))
        f.add(aten.floor_divide.default, values(a, 4), torch.tensor([1, 2, 0, 3], dtype=a))
    f.add(aten.add.Tensor, torch.tensor([127, -128], dtype=I8), torch.tensor([1, -1], dtype=I8))
    f.add(aten.mul.Tensor, torch.tensor([2**62, -(2**63)]), torch.tensor([3, -1]))
    f.add(aten.floor_divide.default, torch.tensor([-(2**31)], dtype=I32), torch.tensor([2], dtype=I32))
    f.add(aten.logaddexp.default, values(F32, 9), values(F32, 9))
    f.add(aten.hypot.default, values(F32, 9), values(F32, 9))
    f.add(aten.xlogy.Tensor, values(F32, 9), values(F32, 9).abs())
    return f


def scalar():
    f = Family("scalar")
    ops = [aten.add.Scalar, aten.sub.Scalar, aten.mul.Scalar, aten.div.Scalar, aten.rsub.Scalar]
    ops += [aten.eq.Scalar, aten.ne.Scalar, aten.lt.Scalar, aten.le.Scalar, aten.gt.Scalar, aten.ge.Scalar]
    ops += [aten.remainder.Scalar, aten.fmod.Scalar, aten.floor_divide.Scalar, aten.pow.Tensor_Scalar]
    ops += [aten.bitwise_and.Scalar, aten.bitwise_or.Scalar, aten.bitwise_xor.Scalar, aten.clamp_min.default, aten.clamp_max.default]
    for dtype in (*FLOATS, *INTEGERS, BOOL):
        for shape in ((3, 5), ()) if dtype in (F32, I64) else ((3, 5),):
            x = values(dtype, *shape)
            for op, number in itertools.product(ops, (3, 2.5)):
                f.add(op, x, number)
            f.add(aten.clamp.default, x, 1, 5)
            f.add(aten.clamp.default, x, None, 3)
            f.add(aten.clamp.default, x, 2, None)
            f.add(aten.clamp.default, x, 0.5, 3.5)
            f.add(aten.pow.Scalar, 2, values(dtype, *shape, low=0, high=5))
            f.add(aten.pow.Scalar, 2.5, values(dtype, *shape, low=0, high=5))
            f.add(aten.remainder.Scalar_Tensor, 7, values(dtype, *shape, low=1) * 2 + 1)
            for mode in ("trunc", "floor"):
                f.add(aten.div.Scalar_mode, x, 3, rounding_mode=mode)
    f.add(aten.pow.Tensor_Scalar, torch.tensor([1, 2]), -1)
    f.add(aten.clamp.default, numbers(F32, 9), -1.5, 1.5)
    return f


def unary():
    f = Family("unary")
    everywhere = "sin cos atan sinh cosh tanh asinh erf erfc exp exp2 expm1 sigmoid relu neg abs sign floor ceil trunc round frac"
    everywhere += " logical_not isnan isinf isfinite isneginf isposinf signbit softplus mish selu celu elu silu gelu hardswish"
    everywhere += " hardsigmoid hardtanh relu6 leaky_relu hardshrink softshrink log_sigmoid bitwise_not nan_to_num tan"
    for dtype in (*FLOATS, *INTEGERS, BOOL):
        for shape in ((3, 5), (), (0, 3)) if dtype in (F32, I64) else ((3, 5),):
            x = numbers(dtype, *shape)
            for name in everywhere.split():
                f.add(getattr(aten, name).default, x)
            for name in "log log2 log10 sqrt rsqrt reciprocal".split():
                f.add(getattr(aten, name).default, values(dtype, *shape, low=1, high=20))
            if dtype != BOOL:
                f.add(aten.square.default, x)
            f.add(aten.log1p.default, values(dtype, *shape, low=0))
            f.add(aten.acosh.default, values(dtype, *shape, low=1))
            if dtype.is_floating_point:
                inside = (torch.rand(shape) * 1.98 - 0.99).to(dtype)
                for name in "asin acos atanh".split():
                    f.add(getattr(aten, name).default, inside)
                f.add(aten.logit.default, inside, 0.1)
                f.add(aten.logit.default, inside.abs())
    x = numbers(F32, 40)
    f.add(aten.softplus.default, x, 0.5, 3)
    f.add(aten.elu.default, x, 0.5, 2.0, 1.5)
    f.add(aten.celu.default, x, 0.3)
    f.add(aten.threshold.default, x, 0.5, -7.5)
    f.add(aten.hardshrink.default, x, 1.5)
    f.add(aten.softshrink.default, values(F32, 40), 1.5)
    f.add(aten.nan_to_num.default, x, 0.5, 7.5, -7.5)
    for decimals in (0, 1, 2, -1):
        f.add(aten.round.decimals, values(F32, 40) * 7, decimals=decimals)
    big = torch.cat([torch.linspace(-200, 200, 1001), torch.tensor([1e4, -3e5, 1e8, 3e38])])
    f.add(aten.sin.default, big)
    f.add(aten.cos.default, big)
    f.add(aten.erf.default, torch.linspace(-5, 5, 1001))
    f.add(aten.erf.default, torch.tensor([1e-30, -1e-10, 0.0, -0.0, 1e-40]))
    return f


def selection():
    f = Family("selection")
    for (a, b), (s, t) in OPERANDS:
        f.add(aten.where.self, values(BOOL, *s), numbers(a, *s), numbers(b, *t))
    for dtype in (*FLOATS, *INTEGERS, BOOL):
        x, mask = numbers(dtype, 2, 3, 5), values(BOOL, 3, 1)
        for number in (3, 2.5):
            f.add(aten.where.ScalarOther, values(BOOL, 3, 5), x, number)
            f.add(aten.where.ScalarSelf, values(BOOL, 3, 5), number, x)
        f.add(aten.masked_fill.Scalar, x, mask, 1)
        f.add(aten.masked_fill_.Scalar, x, mask, 1)
        f.add(aten.masked_fill.Tensor, x, mask, torch.tensor(1))
        f.add(aten.clamp.Tensor, x, values(dtype, 5), values(dtype, 3, 1))
        f.add(aten.clamp.Tensor, x, None, values(dtype, 3, 1))
        f.add(aten.clamp_min.Tensor, x, values(dtype, 5))
        f.add(aten.addcmul.default, x, values(dtype, 5), values(dtype, 3, 1), value=2)
        if dtype.is_floating_point:
            f.add(aten.masked_fill.Scalar, x, mask, -math.inf)
            f.add(aten.addcdiv.default, x, values(dtype, 5), values(dtype, 3, 1, low=1), value=0.5)
            f.add(aten.lerp.Scalar, values(dtype, 3, 5), values(dtype, 5), 0.3)
            f.add(aten.lerp.Tensor, values(dtype, 3, 5), values(dtype, 5), torch.rand(3, 1).to(dtype))
    f.add(aten.where.Scalar, values(BOOL, 3), 1, 2.5)
    f.add(aten.where.Scalar, values(BOOL, 3), 1, 2)
    return f


def reduced():
    f = Family("reduced")
    for dtype in (*FLOATS, *INTEGERS, BOOL):
        for shape in ((2, 3, 7), (5,), ()) if dtype in (F32, I64) else ((2, 3, 7),):
            x = values(dtype, *shape)
            if dtype.is_floating_point and shape == (2, 3, 7):
                x[0, 1, 2] = float("nan")
            whole = "sum prod max min any all argmax argmin count_nonzero mean".split()
            for name in whole:
                small = (x % 3) if name == "prod" and dtype != BOOL else x
                f.add(getattr(aten, name).default, small)
            for op in (aten.var.correction, aten.std.correction, aten.var_mean.correction, aten.std_mean.correction):
                f.add(op, x, None, correction=0)
            f.add(aten.var.default, x)
            f.add(aten.linalg_vector_norm.default, x)
            for dim in {-1, 0} if shape else {0}:
                for keepdim in (False, True):
                    for name in ("any", "all", "max", "min"):
                        f.add(getattr(aten, name).dim, x, dim, keepdim)
                    f.add(aten.prod.dim_int, x % 2 if dtype != BOOL else x, dim, keepdim)
                    f.add(aten.argmax.default, x, dim, keepdim)
                    f.add(aten.argmin.default, x, dim, keepdim)
                    f.add(aten.amax.default, x, [dim], keepdim)
                    if dtype not in (F16, BF16):  # PyTorch rounds its intermediate results to them.
                        f.add(aten.logsumexp.default, x, [dim], keepdim)
                    f.add(aten.sum.dim_IntList, x, [dim], keepdim)
                    f.add(aten.sum.dim_IntList, x, [dim], keepdim, dtype=F32)
                    if not dtype.is_floating_point:
                        f.add(aten.sum.dim_IntList, x, [dim], keepdim, dtype=I32)
                    f.add(aten.var.dim, x, [dim], True, keepdim)
                    f.add(aten.std_mean.correction, x, [dim], correction=0, keepdim=keepdim)
                    for order in (2, 1, 0, math.inf, -math.inf, 3, 0.5):
                        f.add(aten.linalg_vector_norm.default, x, order, [dim], keepdim)
                f.add(aten.count_nonzero.dim_IntList, x, [dim])
                small = x % 3 if dtype != BOOL else x
                f.add(aten.cumsum.default, small, dim)
                f.add(aten.cumsum.default, small, dim, dtype=F64)
                f.add(aten.cumprod.default, x % 2 if dtype != BOOL else x, dim)
                for descending in (False, True):
                    f.add(aten.sort.stable, x, stable=True, dim=dim, descending=descending)
                    f.add(aten.argsort.stable, x, stable=True, dim=dim, descending=descending)
    for shape, k, dim in (((3, 50), 7, -1), ((40, 3), 5, 0), ((9,), 9, 0), ((4,), 0, 0), ((2, 3), 4, 1)):
        # Without equal elements, whose order PyTorch does not promise.
        x = torch.randperm(math.prod(shape)).reshape(shape)
        for largest in (True, False):
            f.add(aten.topk.default, x, k, dim, largest)
            f.add(aten.topk.default, x.float() / 3, k, dim, largest)
    f.add(aten.norm.Scalar, torch.randn(3, 4), 3)
    f.add(aten.norm.ScalarOpt_dim, torch.randn(3, 4), None, [1], True)
    f.add(aten.logsumexp.default, torch.tensor([[1e3, 1e3], [-math.inf, -math.inf], [math.inf, 1.0]]), [1])
    f.add(aten.max.default, torch.zeros(0))
    f.add(aten.sum.default, torch.zeros(0, 3, dtype=I64))
    f.add(aten.any.dims, values(BOOL, 2, 3, 4), [0, 2], True)
    f.add(aten.var.correction, torch.randn(5), None, correction=5)
    return f


def made():
    f = Family("made")
    x = values(I32, 2, 3)
    for dtype in (None, F64, F32, I64, U8, BOOL):
        f.add(aten.full.default, [2, 3], 2, dtype=dtype)
        f.add(aten.full.default, [], 2.5, dtype=dtype)
        f.add(aten.zeros.default, [2, 0], dtype=dtype)
        f.add(aten.ones.default, [3], dtype=dtype)
        f.add(aten.full_like.default, x, 3, dtype=dtype)
        f.add(aten.zeros_like.default, x, dtype=dtype)
        f.add(aten.ones_like.default, x, dtype=dtype)
        f.add(aten.new_zeros.default, x, [4], dtype=dtype)
        f.add(aten.new_ones.default, x, [4, 1], dtype=dtype)
        f.add(aten.new_full.default, x, [4], 7, dtype=dtype)
        f.add(aten.scalar_tensor.default, 2.5, dtype=dtype)
        if dtype != BOOL:
            f.add(aten.arange.default, 5, dtype=dtype)
            f.add(aten.arange.start, -2, 5, dtype=dtype)
            f.add(aten.arange.start_step, 1, 8, 3, dtype=dtype)
            f.add(aten.arange.start_step, 5, -4, -2, dtype=I64)
            f.add(aten.linspace.default, 0, 10, 5, dtype=dtype)
    f.add(aten.arange.start_step, 0.5, 3.1, 0.3)
    f.add(aten.arange.default, 4.5)
    f.add(aten.arange.start_step, 0, 5, -1)
    f.add(aten.arange.default, 7, dtype=BF16)
    f.add(aten.linspace.default, -1.5, 2.5, 7)
    f.add(aten.linspace.default, 3, 4, 1)
    f.add(aten.fill.Scalar, x, 4)
    f.add(aten.fill_.Scalar, values(F32, 3), 4.5)
    f.add(aten.fill.Tensor, values(F32, 3), torch.tensor(2))
    f.add(aten.zero_.default, values(F32, 3))
    return f


if __name__ == "__main__":
    target = Path(sys.argv[1])
    for family in (binary, scalar, unary, selection, reduced, made):
        family().write(target)
