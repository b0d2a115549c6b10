import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import type { DType } from '../../lib/tensor/index.ts';
import { type CaseArgument, differentiated, type GradientCase, Random } from '../support/gradients.ts';
import { build, execute } from '../support/run-plan.ts';
import { relativeError } from '../support/spatial.ts';

/** A call, and PyTorch's gradients in float64 of the sum of its results times `factors` (script/goldens/gradients.py). */
interface Golden {
  readonly target: string;
  readonly why: string;
  readonly args: readonly GoldenArgument[];
  readonly kwargs: NonNullable<GradientCase['kwargs']>;
  readonly results: readonly number[] | null;
  readonly factors: readonly (readonly number[])[];
  readonly tensors: readonly {
    readonly dtype: DType;
    readonly shape: readonly number[];
    readonly data: readonly number[];
    readonly grad?: readonly number[];
  }[];
}

type GoldenArgument =
  | { readonly tensor: number }
  | readonly GoldenArgument[]
  | number
  | string
  | boolean
  | null;

const goldens: readonly Golden[] = JSON.parse(readFileSync('test/fixtures/autograd/gradients.json', 'utf8'));

/** Tensors in the order of the golden's list. */
function caseOf({ target, args, kwargs, results, tensors }: Golden): GradientCase {
  const randoms = tensors.map(({ dtype, shape, grad }) => new Random(shape, 0, 0, dtype, grad !== undefined));
  const argument = (arg: GoldenArgument): CaseArgument => {
    // JSON has no number that is not finite.
    if (arg === 'Infinity') return Infinity;
    if (Array.isArray(arg)) return (arg as readonly GoldenArgument[]).map(argument);
    return typeof arg === 'object' && arg !== null
      ? randoms[(arg as { readonly tensor: number }).tensor]
      : (arg as Exclude<GoldenArgument, object>);
  };
  return { target, args: args.map(argument), kwargs, ...(results ? { results } : {}) };
}

describe("gradients beside PyTorch's", () => {
  test.each(goldens.map((golden, i) => [`${i} ${golden.target} ${golden.why}`, golden] as const))(
    '%s',
    (_, golden) => {
      const { module, inputs, actual } = differentiated(
        caseOf(golden),
        golden.tensors.map(({ data }) => data),
        'float32',
        () => golden.factors,
      );
      const expected = golden.tensors.flatMap(({ grad }) => (grad ? [grad] : []));
      for (const gradients of [actual, execute(build(module), inputs)]) {
        expect(gradients).toHaveLength(expected.length);
        gradients.forEach((gradient, i) => {
          const values = gradient.toArray() as number[];
          expect(values.map(Number.isFinite)).toEqual(expected[i].map(Number.isFinite));
          // The graph computes in float32: some hundred operations round to 1e-6 of the largest gradient.
          expect(relativeError(values, expected[i])).toBeLessThan(5e-6);
        });
      }
    },
  );
});
