import type { OnnxCall, OnnxEmitter, OnnxEmitters } from '../call.ts';
import { upTo } from '../call.ts';
import type { OnnxValue } from '../value.ts';

interface Amounts {
  readonly before: readonly number[];
  readonly after: readonly number[];
}

/** By axis; PyTorch lists the last axis first. */
function amountsOf({ args, self: { rank } }: OnnxCall, name: string): Amounts {
  const pad = args.numbers(name);
  const amount = (axis: number, side: number) => pad[2 * (rank - 1 - axis) + side] ?? 0;
  return {
    before: upTo(rank).map((axis) => amount(axis, 0)),
    after: upTo(rank).map((axis) => amount(axis, 1)),
  };
}

function padConstant(call: OnnxCall, { before, after }: Amounts, value: number): OnnxValue {
  const x = call.cast(call.self, call.working('Where'));
  return call.op('Pad', [x, call.integers([...before, ...after]), call.scalar(value, x.dtype)]);
}

/** What negative amounts cut away. */
function cut(call: OnnxCall, { before, after }: Amounts): OnnxValue {
  return upTo(before.length).reduce((value, axis) => {
    const [start, end] = [Math.max(-before[axis], 0), Math.min(after[axis], 0)];
    return start === 0 && end === 0 ? value : call.slice(value, axis, start, end === 0 ? undefined : end);
  }, call.self);
}

const added = (amounts: readonly number[]): number[] => amounts.map((amount) => Math.max(amount, 0));

/** PyTorch's names of the modes, and ONNX's. */
const modes: Readonly<Record<string, string>> = { reflect: 'reflect', replicate: 'edge', circular: 'wrap' };

function padWithOwn(call: OnnxCall, amounts: Amounts, mode: string): OnnxValue {
  const x = cut(call, amounts);
  const [before, after] = [added(amounts.before), added(amounts.after)];
  if ([...before, ...after].every((amount) => amount === 0)) return x;
  if (mode === 'circular' && call.opset < 19) return padCircular(call, x, { before, after });
  return call.op('Pad', [x, call.integers([...before, ...after])], { mode: modes[mode] });
}

/** Both ends of each axis, repeated at the other one. */
function padCircular(call: OnnxCall, x: OnnxValue, { before, after }: Amounts): OnnxValue {
  return upTo(x.rank).reduce((value, axis) => {
    const ends = [
      ...(before[axis] > 0 ? [call.slice(value, axis, -before[axis])] : []),
      value,
      ...(after[axis] > 0 ? [call.slice(value, axis, 0, after[axis])] : []),
    ];
    return ends.length === 1 ? value : call.concat(ends, axis);
  }, x);
}

function pad(call: OnnxCall): OnnxValue {
  const mode = call.args.string('mode');
  const amounts = amountsOf(call, 'pad');
  return mode === 'constant'
    ? padConstant(call, amounts, call.args.optionalNumber('value') ?? 0)
    : padWithOwn(call, amounts, mode);
}

const spatial = (name: string, mode: string): OnnxEmitters => {
  const emit: OnnxEmitter = (call) => padWithOwn(call, amountsOf(call, 'padding'), mode);
  return Object.fromEntries([1, 2, 3].map((rank) => [`aten.${name}_pad${rank}d.default`, emit]));
};

/** Padding with a number, or with a tensor's own elements. */
export const paddingEmitters: OnnxEmitters = {
  'aten.constant_pad_nd.default': (call) =>
    padConstant(call, amountsOf(call, 'pad'), call.args.number('value')),
  'aten.pad.default': pad,
  'aten._pad_circular.default': (call) => padWithOwn(call, amountsOf(call, 'pad'), 'circular'),
  ...spatial('reflection', 'reflect'),
  ...spatial('replication', 'replicate'),
};
