import { type Arguments, type Dim, dimsEqual } from '../../graph/index.ts';
import type { OperatorDefinition, StridedDefinition } from '../registry.ts';
import { broadcastShapes } from '../shape-rules.ts';
import type { Shaped } from './strided.ts';

type Wanted = (args: Arguments<Shaped>) => readonly Dim[];

/** -1 keeps an extent; new extents come first. */
function expandedShape(args: Arguments<Shaped>, wanted: readonly Dim[]): readonly Dim[] {
  const { name } = args.schema;
  const { shape } = args.tensor('self');
  const missing = wanted.length - shape.length;
  const target = wanted.map((dim, i) => (dim === -1 && i >= missing ? shape[i - missing] : dim));
  const result = missing < 0 ? [] : broadcastShapes(shape, target, name);
  if (missing < 0 || !result.every((dim, i) => dimsEqual(dim, target[i])))
    throw new Error(`${name}: [${shape.join(', ')}] does not expand to [${wanted.join(', ')}]`);
  return result;
}

/** Repeats extents of one element. */
function expansion(schema: string, wanted: Wanted): StridedDefinition {
  return {
    schema,
    infer: (args) => ({ dtype: args.tensor('self').dtype, shape: expandedShape(args, wanted(args)) }),
    strided: ({ shape, strides }, args) => {
      const target = expandedShape(args, wanted(args)) as readonly number[];
      const missing = target.length - shape.length;
      return {
        shape: target,
        strides: target.map((_, i) => (i < missing || shape[i - missing] === 1 ? 0 : strides[i - missing])),
        offset: 0,
      };
    },
  };
}

/** Operators that repeat extents of one element. */
export const expansions: readonly OperatorDefinition[] = [
  expansion('aten::expand(Tensor(a) self, SymInt[] size, *, bool implicit=False) -> Tensor(a)', (args) =>
    args.dims('size'),
  ),
  expansion('aten::broadcast_to(Tensor(a) self, SymInt[] size) -> Tensor(a)', (args) => args.dims('size')),
  expansion(
    'aten::expand_as(Tensor(a) self, Tensor other) -> Tensor(a)',
    (args) => args.tensor('other').shape,
  ),
];
