import type { Arguments, Dim } from '../../graph/index.ts';
import type { NativeDefinition, OperatorDefinition, Step, TensorLike } from '../registry.ts';
import { isPaddingMode, type PaddingMode, paddedShape, paddedStep } from './padding-modes.ts';

interface Amounts {
  readonly before: readonly number[];
  readonly after: readonly number[];
}

/** The amounts in order of the extents. The argument lists them before and after, last extent first. */
function amountsOf<T>(rank: number, args: Arguments<T>, name: string): Amounts {
  const pad = args.numbers(name);
  if (pad.length % 2 !== 0 || pad.length > 2 * rank)
    throw new Error(`${args.schema.name}: [${pad.join(', ')}] does not fit ${rank} extents`);
  const amount = (axis: number, side: number) => pad[2 * (rank - 1 - axis) + side] ?? 0;
  const axes = Array.from({ length: rank }, (_, axis) => axis);
  return { before: axes.map((axis) => amount(axis, 0)), after: axes.map((axis) => amount(axis, 1)) };
}

interface Padding {
  readonly schema: string;
  /** The argument with the amounts. */
  readonly amounts: string;
  /** Throws for what the operator does not do. */
  readonly check: (args: Arguments<{ readonly shape: readonly Dim[] }>) => void;
  readonly step: <T extends TensorLike>(self: T, amounts: Amounts, args: Arguments<T>) => Step<T>;
}

function padding({ schema, amounts, check, step }: Padding): NativeDefinition {
  return {
    schema,
    infer: (args) => {
      const { dtype, shape } = args.tensor('self');
      check(args);
      const { before, after } = amountsOf(shape.length, args, amounts);
      const padded = paddedShape(shape, before, after);
      if (padded.some((extent) => typeof extent === 'number' && extent < 0))
        throw new Error(`${args.schema.name}: nothing of [${shape.join(', ')}] is left after padding`);
      return { dtype, shape: padded };
    },
    // Amounts for the samples' own extent make others of them.
    samples: (args) => {
      const { before, after } = amountsOf(args.tensor('self').shape.length, args, amounts);
      return before[0] === 0 && after[0] === 0 ? ['self'] : [];
    },
    step: (args) => {
      const self = args.tensor('self');
      return step(self, amountsOf(self.shape.length, args, amounts), args);
    },
  };
}

function constantStep<T extends TensorLike>(self: T, { before }: Amounts, value: number): Step<T> {
  return { op: 'pad', inputs: [self], attributes: { padding: before, value } };
}

/** `reflection_pad2d` and the like: the last extents, of a sample or of a batch of them. */
function spatialPadding(name: string, mode: PaddingMode): NativeDefinition[] {
  return [1, 2, 3].map((spatial) =>
    padding({
      schema: `aten::${name}_pad${spatial}d(Tensor self, SymInt[${2 * spatial}] padding) -> Tensor`,
      amounts: 'padding',
      check: (args) => {
        const { shape } = args.tensor('self');
        if (shape.length !== spatial + 1 && shape.length !== spatial + 2)
          throw new Error(
            `${args.schema.name}: ${spatial + 1} or ${spatial + 2} extents are needed, got [${shape.join(', ')}]`,
          );
        if (args.numbers('padding').length !== 2 * spatial)
          throw new Error(
            `${args.schema.name}: ${2 * spatial} amounts are needed, got [${args.numbers('padding').join(', ')}]`,
          );
      },
      step: (self, { before, after }, args) => paddedStep(self, before, after, mode, args.schema.name),
    }),
  );
}

const noCheck = () => {};

/** Padding, with constants or a tensor's own elements; negative amounts cut away. */
export const paddings: readonly OperatorDefinition[] = [
  padding({
    schema: 'aten::pad(Tensor self, SymInt[] pad, str mode="constant", float? value=None) -> Tensor',
    amounts: 'pad',
    check: (args) => {
      const mode = args.string('mode');
      if (mode !== 'constant' && !isPaddingMode(mode))
        throw new Error(
          `${args.schema.name}: mode must be 'constant', 'reflect', 'replicate' or 'circular', got '${mode}'`,
        );
    },
    step: (self, amounts, args) => {
      const mode = args.string('mode');
      return isPaddingMode(mode)
        ? paddedStep(self, amounts.before, amounts.after, mode, args.schema.name)
        : constantStep(self, amounts, args.optionalNumber('value') ?? 0);
    },
  }),
  padding({
    schema: 'aten::constant_pad_nd(Tensor self, SymInt[] pad, Scalar value=0) -> Tensor',
    amounts: 'pad',
    check: noCheck,
    step: (self, amounts, args) => constantStep(self, amounts, args.number('value')),
  }),
  padding({
    schema: 'aten::_pad_circular(Tensor self, SymInt[] pad) -> Tensor',
    amounts: 'pad',
    check: noCheck,
    step: (self, { before, after }, args) => paddedStep(self, before, after, 'circular', args.schema.name),
  }),
  ...spatialPadding('reflection', 'reflect'),
  ...spatialPadding('replication', 'replicate'),
];
