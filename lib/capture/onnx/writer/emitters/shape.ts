import { Tensor } from '../../../../tensor/index.ts';
import type { OnnxCall, OnnxEmitter, OnnxValue } from '../emitter.ts';

/** Any view is a Reshape to its known shape; ONNX computes one symbolic size. */
function reshape(call: OnnxCall): OnnxValue {
  const { shape } = call.meta;
  const symbolic = shape.filter((size) => typeof size !== 'number');
  if (symbolic.length > 1) throw new Error(`a view with ${symbolic.length} symbolic sizes, [${shape}]`);
  const sizes = shape.map((size) => (typeof size === 'number' ? size : -1));
  const input = call.args.tensor(call.args.schema.arguments[0].name);
  return call.result('Reshape', [input, call.integers('shape', sizes)]);
}

function transpose(call: OnnxCall): OnnxValue {
  const x = call.args.tensor('self');
  const perm = x.shape.map((_, i) => i);
  const [a, b] = [call.args.number('dim0'), call.args.number('dim1')].map((dim) => call.axis(dim, x));
  [perm[a], perm[b]] = [perm[b], perm[a]];
  return call.result('Transpose', [x], { perm });
}

function permute(call: OnnxCall): OnnxValue {
  const x = call.args.tensor('self');
  const perm = call.args.numbers('dims').map((dim) => call.axis(dim, x));
  return call.result('Transpose', [x], { perm });
}

/** One position of an axis of any size. A negative position counts from the end. */
function select(call: OnnxCall): OnnxValue {
  const x = call.args.tensor('self');
  const index = call.constant('index', Tensor.scalar('int64', call.args.number('index')));
  return call.result('Gather', [x, index], { axis: call.axis(call.args.number('dim'), x) });
}

/** ONNX counts and clips the bounds as PyTorch does. */
function slice(call: OnnxCall): OnnxValue {
  const x = call.args.tensor('self');
  const bounds = {
    starts: call.args.optionalNumber('start') ?? 0,
    ends: Math.min(call.args.optionalNumber('end') ?? Infinity, Number.MAX_SAFE_INTEGER),
    axes: call.axis(call.args.number('dim'), x),
    steps: call.args.number('step'),
  };
  return call.result('Slice', [
    x,
    ...Object.entries(bounds).map(([name, value]) => call.integers(name, [value])),
  ]);
}

/** Returns the input; no node is written. */
const identity = (call: OnnxCall): OnnxValue => call.args.tensor(call.args.schema.arguments[0].name);

function dropout(call: OnnxCall): OnnxValue {
  if (call.args.bool('train')) throw new Error('dropout in training mode: export the model after eval()');
  return identity(call);
}

/** Operators that move or rename elements and compute nothing. */
export const shapeEmitters: Readonly<Record<string, OnnxEmitter>> = {
  'aten.flatten.using_ints': reshape,
  'aten.view.default': reshape,
  'aten.reshape.default': reshape,
  'aten.unsqueeze.default': reshape,
  'aten._unsafe_view.default': reshape,
  'aten.unflatten.int': reshape,
  'aten.squeeze.default': reshape,
  'aten.squeeze.dim': reshape,
  'aten.squeeze.dims': reshape,
  'aten.transpose.int': transpose,
  'aten.t.default': (call) => call.result('Transpose', [call.args.tensor('self')]),
  'aten.permute.default': permute,
  'aten.select.int': select,
  'aten.slice.Tensor': slice,
  'aten.contiguous.default': identity,
  'aten.clone.default': identity,
  'aten.detach.default': identity,
  'aten.alias.default': identity,
  'aten.lift_fresh_copy.default': identity,
  'aten.feature_dropout.default': dropout,
  'aten.dropout.default': dropout,
  'aten.cat.default': (call) =>
    call.result('Concat', call.args.tensors('tensors'), { axis: call.args.number('dim') }),
};
