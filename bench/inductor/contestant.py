"""The process behind a Contestant that is PyTorch's Inductor: speaks Node's IPC, one JSON document a line.

It loads the float network that Octavo captured, weights and all, and quantizes it itself with X86InductorQuantizer.
"""

import json
import operator
import os
import socket
import struct
import time

os.environ["TORCHINDUCTOR_FREEZING"] = "1"

import torch
import torch.nn.functional as F

# What the modules of torch.nn call: the quantizer finds layers by these functions, not by ATen operators.
FUNCTIONS = {
    "aten.conv2d.default": F.conv2d,
    "aten.linear.default": F.linear,
    "aten.batch_norm.default": lambda x, w, b, mean, var, training, momentum, eps, cudnn: F.batch_norm(
        x, mean, var, w, b, training, momentum, eps
    ),
    "aten.relu.default": F.relu,
    "aten.relu_.default": lambda x: F.relu(x, inplace=True),
    "aten.hardtanh.default": F.hardtanh,
    "aten.hardtanh_.default": lambda x, low, high: F.hardtanh(x, low, high, inplace=True),
    "aten.relu6.default": F.relu6,
    "aten.silu.default": F.silu,
    "aten.silu_.default": lambda x: F.silu(x, inplace=True),
    "aten.hardswish.default": F.hardswish,
    "aten.hardswish_.default": lambda x: F.hardswish(x, inplace=True),
    "aten.hardsigmoid.default": F.hardsigmoid,
    "aten.sigmoid.default": torch.sigmoid,
    "aten.add.Tensor": operator.add,
    "aten.add_.Tensor": operator.iadd,
    "aten.mul.Tensor": operator.mul,
    "aten.max_pool2d.default": F.max_pool2d,
    "aten.avg_pool2d.default": F.avg_pool2d,
    "aten.adaptive_avg_pool2d.default": F.adaptive_avg_pool2d,
    "aten.flatten.using_ints": torch.flatten,
    "aten.cat.default": torch.cat,
    "aten.dropout.default": F.dropout,
    "aten.dropout_.default": F.dropout,
}
DTYPES = {"F32": torch.float32, "I64": torch.int64}


class Network(torch.nn.Module):
    """A graph that Octavo saved, called function by function, so that export sees what a module written by hand calls."""

    def __init__(self, path):
        super().__init__()
        with open(path, "rb") as file:
            (length,) = struct.unpack("<Q", file.read(8))
            header = json.loads(file.read(length))
            data = bytearray(file.read())
        self.nodes = json.loads(header.pop("__metadata__")["graph"])["nodes"]
        self.names = {}
        for i, (path, entry) in enumerate(header.items()):
            first, last = entry["data_offsets"]
            tensor = torch.frombuffer(data[first:last], dtype=DTYPES[entry["dtype"]])
            self.names[path] = f"tensor_{i}_weight"
            # Folding a batch norm replaces the weight by a parameter, and names the bias by putting "bias" for "weight".
            if entry["dtype"] == "F32" and "running_" not in path:
                tensor = torch.nn.Parameter(tensor.reshape(entry["shape"]), requires_grad=False)
                self.register_parameter(self.names[path], tensor)
            else:
                self.register_buffer(self.names[path], tensor.reshape(entry["shape"]))

    def forward(self, x):
        values = {}

        def load(arg):
            if isinstance(arg, list):
                return [load(item) for item in arg]
            return values[arg["node"]] if isinstance(arg, dict) else arg

        for node in self.nodes:
            args = load(node["args"])
            if node["op"] == "placeholder":
                values[node["name"]] = x
            elif node["op"] == "get_attr":
                values[node["name"]] = getattr(self, self.names[node["target"]])
            elif node["op"] == "call_function":
                values[node["name"]] = FUNCTIONS[node["target"]](*args, **{k: load(v) for k, v in node["kwargs"].items()})
            else:
                result = args[0]
        return result[0] if isinstance(result, list) else result


def quantized(network, x):
    from torch.ao.quantization.quantize_pt2e import convert_pt2e, prepare_pt2e
    from torch.ao.quantization.quantizer import x86_inductor_quantizer as x86

    quantizer = x86.X86InductorQuantizer()
    quantizer.set_global(x86.get_default_x86_inductor_quantization_config())
    prepared = prepare_pt2e(torch.export.export_for_training(network, (x,)).module(), quantizer)
    prepared(x)
    return convert_pt2e(prepared)


def load(entry, shape):
    """A function that runs the network once."""
    torch.set_num_threads(entry["threads"])
    torch.manual_seed(0)
    x = 4 * torch.rand(shape) - 2
    network = Network(entry["file"]).eval()
    expected = network(x)
    compiled = torch.compile(quantized(network, x) if entry["engine"] == "inductor-int8" else network)
    noise = (compiled(x) - expected).square().mean()
    decibels = 10 * torch.log10(expected.square().mean() / noise).item()
    if not decibels > 10:
        raise ValueError(f"Inductor's results agree with eager float32 to {decibels:.1f} dB only")
    return lambda: compiled(x)


def answer(request, state):
    if request["kind"] == "load":
        state["run"] = load(request["entry"], request["inputShape"])
        return {}
    times = []
    for _ in range(request["times"]):
        start = time.perf_counter()
        state["run"]()
        times.append(1000 * (time.perf_counter() - start))
    return {"result": times}


def serve():
    channel = socket.socket(fileno=int(os.environ["NODE_CHANNEL_FD"]))
    state = {}
    with torch.no_grad():
        for line in channel.makefile("r"):
            try:
                reply = answer(json.loads(line), state)
            except Exception as error:
                reply = {"error": f"{type(error).__name__}: {error}"}
            channel.sendall(json.dumps(reply).encode() + b"\n")


serve()
