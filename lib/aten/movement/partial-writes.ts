import type { Arguments, Dim } from '../../graph/index.ts';
import type { NativeDefinition, OperatorDefinition } from '../registry.ts';
import { broadcastShapes } from '../shape-rules.ts';
import { indexOf, rangeOf } from './ranges.ts';
import { axisOf, replaced, type Shaped } from './strided.ts';

/** A part of a tensor, at regular distances along one axis. */
interface Part {
  readonly axis: number;
  readonly start: Dim;
  readonly length: Dim;
  readonly step: number;
}

/**
 * The first argument with a part of it replaced by `src`.
 * @param inserts whether `src` lacks the part's axis.
 */
function partialWrite(
  schema: string,
  part: (args: Arguments<Shaped>) => Part,
  inserts: boolean,
): NativeDefinition {
  return {
    schema,
    infer: (args) => {
      const { name } = args.schema;
      const [self, src] = [args.tensor('self'), args.tensor('src')];
      const { axis, length } = part(args);
      const place = replaced(self.shape, axis, length);
      const source = inserts ? src.shape.toSpliced(axis, 0, 1) : src.shape;
      if (source.length > place.length || String(broadcastShapes(source, place, name)) !== String(place))
        throw new Error(`${name}: [${src.shape.join(', ')}] does not fit a part of [${place.join(', ')}]`);
      if (src.dtype !== self.dtype)
        throw new Error(`${name}: the source must be ${self.dtype} like the tensor, got ${src.dtype}`);
      return { dtype: self.dtype, shape: self.shape };
    },
    samples: (args) => (axisOf(args) === 0 ? [] : ['self', 'src']),
    step: (args) => {
      const [self, src] = [args.tensor('self'), args.tensor('src')];
      const { axis, start, length, step } = part(args);
      const each = (value: number, otherwise: number) =>
        self.shape.map((_, i) => (i === axis ? value : otherwise));
      return {
        op: 'overwrite',
        inputs: [self, src],
        attributes: {
          begin: each(start as number, 0),
          step: each(step, 1),
          count: replaced(self.shape, axis, length as number),
          ...(inserts ? { inserted: axis } : {}),
        },
      };
    },
  };
}

/** Operators that replace a part of a tensor. */
export const partialWrites: readonly OperatorDefinition[] = [
  partialWrite(
    'aten::slice_scatter(Tensor self, Tensor src, int dim=0, SymInt? start=None, SymInt? end=None, SymInt step=1) -> Tensor',
    rangeOf,
    false,
  ),
  partialWrite(
    'aten::select_scatter(Tensor self, Tensor src, int dim, SymInt index) -> Tensor',
    (args) => ({ axis: axisOf(args), start: indexOf(args), length: 1, step: 1 }),
    true,
  ),
];
