import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { operators } from '../../lib/aten/index.ts';
import {
  Arguments,
  addDims,
  type Dim,
  divDims,
  floorDivDims,
  mulDims,
  type SymbolRanges,
  SymInt,
  subDims,
  type TensorMeta,
} from '../../lib/graph/index.ts';
import { Tensor } from '../../lib/tensor/index.ts';
import { evaluateSize } from './size-arithmetic.ts';

const [s0, s1] = [new SymInt(['s0']), new SymInt(['s1'])];
const ranges: SymbolRanges = new Map([
  ['s0', { min: 1, max: Number.POSITIVE_INFINITY }],
  ['s1', { min: 4, max: 64 }],
]);

function infer(target: string, args: readonly unknown[], of: SymbolRanges = ranges): unknown {
  const operator = operators.get(target);
  return operator.infer(Arguments.bind<TensorMeta>(operator.schema, args, {}, of));
}

/** A size of two symbols, and the same size computed with numbers. */
const polynomial = fc.letrec<{ size: readonly [Dim, (a: number, b: number) => number] }>((tie) => ({
  size: fc.oneof(
    { maxDepth: 4 },
    fc.constant([s0, (a: number) => a] as const),
    fc.constant([s1, (_: number, b: number) => b] as const),
    fc.integer({ min: -9, max: 9 }).map((n) => [n, () => n] as const),
    fc
      .tuple(tie('size'), tie('size'), fc.constantFrom('+', '-', '*'))
      .map(
        ([[x, f], [y, g], operator]) =>
          [
            operator === '+' ? addDims(x, y) : operator === '-' ? subDims(x, y) : mulDims(x, y),
            (a: number, b: number) =>
              operator === '+' ? f(a, b) + g(a, b) : operator === '-' ? f(a, b) - g(a, b) : f(a, b) * g(a, b),
          ] as const,
      ),
  ),
})).size;

describe('sizes', () => {
  it('are sums of products, with the values that numbers have', () => {
    fc.assert(
      fc.property(polynomial, fc.nat(20), fc.nat(20), ([size, value], a, b) => {
        expect(evaluateSize(String(size), { s0: a, s1: b })).toBe(value(a, b) + 0);
      }),
      { seed: 1, numRuns: 300 },
    );
  });

  it('divide exactly what they were multiplied with, and nothing else', () => {
    fc.assert(
      fc.property(polynomial, polynomial, ([x], [y]) => {
        if (y === 0) return;
        expect(String(divDims(mulDims(x, y), y))).toBe(String(x));
      }),
      { seed: 2, numRuns: 300 },
    );
    expect(() => divDims(addDims(s0, 1), 2)).toThrow('size s0 + 1 is not a multiple of 2');
    expect(() => divDims(addDims(s0, 1), s0)).toThrow('symbolic size s0 + 1 cannot be divided by s0');
    expect(() => divDims(s0, 0)).toThrow('size s0 cannot be divided by 0');
  });

  it.each<[string, readonly unknown[], string]>([
    ['operator.add', [s0, 3], 's0 + 3'],
    ['operator.sub', [3, s1], '-s1 + 3'],
    ['operator.mul', [addDims(s0, 1), addDims(s0, -1)], 's0*s0 - 1'],
    ['operator.neg', [addDims(s0, -2)], '-s0 + 2'],
    ['operator.pow', [s0, 2], 's0*s0'],
    ['operator.floordiv', [mulDims(4, s0), 2], '2*s0'],
    ['operator.floordiv', [addDims(mulDims(4, s0), 3), 2], '2*s0 + 1'],
    ['operator.floordiv', [addDims(s0, 1), 2], '((s0 + 1)//2)'],
    ['operator.floordiv', [-7, 2], '-4'],
    ['operator.mod', [addDims(mulDims(4, s0), 3), 2], '1'],
    ['operator.mod', [s0, 2], '(s0 % 2)'],
    ['operator.mod', [-7, 4], '1'],
    // The least of s1 is 4; one of 0 or 1 does not count, as where PyTorch exports.
    ['torch.sym_max', [s1, 4], 's1'],
    ['torch.sym_max', [s0, 3], 'Max(3, s0)'],
    ['torch.sym_min', [s1, 64], 's1'],
    ['torch.sym_min', [100, s1], 's1'],
    ['torch.sym_min', [8, s1], 'Min(8, s1)'],
    ['operator.ge', [s0, 2], '1'],
    ['operator.lt', [s1, 65], '1'],
    ['operator.gt', [s1, 64], '0'],
    ['operator.le', [s1, 10], '(s1 <= 10)'],
    ['operator.eq', [s0, s0], '1'],
    ['operator.eq', [s1, 3], '0'],
    ['operator.ne', [s0, s1], '(s0 != s1)'],
    ['aten.sym_numel.default', [{ dtype: 'float32', shape: [s0, 3, s0] }], '3*s0*s0'],
    ['aten._assert_scalar.default', [1, 'never'], '1'],
  ])('%s of %s', (target, args, expected) => {
    expect(String(infer(target, args))).toBe(expected);
  });

  it('assert what was assumed at export', () => {
    const refuse = () => infer('aten._assert_scalar.default', [0, 'Runtime assertion failed: s0 >= 5']);
    expect(refuse).toThrow('Runtime assertion failed: s0 >= 5');
    expect(() => infer('operator.pow', [s0, -1])).toThrow('a known power of at least 0, got -1');
    expect(() => infer('operator.mod', [s0, 0])).toThrow('size s0 cannot be divided by 0');
  });
});

describe('slices along an axis of symbolic size', () => {
  const slice = (extent: Dim, start: unknown, end: unknown, step = 1) =>
    (infer('aten.slice.Tensor', [{ dtype: 'float32', shape: [extent] }, 0, start, end, step]) as TensorMeta)
      .shape[0];

  it.each<[Dim | null, Dim | null, number, string]>([
    [1, null, 1, 's1 - 1'],
    [-1, null, 1, '1'],
    [null, -1, 1, 's1 - 1'],
    [1, -1, 1, 's1 - 2'],
    [null, 4, 1, '4'],
    [null, 10, 1, 'Max(0, Min(10, s1))'],
    [null, subDims(s1, 1), 1, 's1 - 1'],
    [mulDims(-1, s1), null, 1, 's1'],
    [null, floorDivDims(s1, 2), 1, '(s1//2)'],
    [floorDivDims(s1, 2), null, 1, '-(s1//2) + s1'],
    [null, null, 2, '((s1 + 1)//2)'],
  ])('[%s:%s:%s]', (start, end, step, expected) => {
    expect(String(slice(s1, start, end, step))).toBe(expected);
  });

  it("are as long as JavaScript's, whatever the size", () => {
    const bound = fc.option(fc.integer({ min: -12, max: 12 }));
    fc.assert(
      fc.property(bound, bound, fc.integer({ min: 1, max: 4 }), (start, end, step) => {
        const length = String(slice(s1, start, end, step));
        for (let size = 4; size <= 64; size++) {
          const expected = [...Array(size).keys()]
            .slice(start ?? 0, end ?? size)
            .filter((_, i) => i % step === 0).length;
          expect(evaluateSize(length, { s1: size })).toBe(expected);
          expect(slice(size, start, end, step)).toBe(expected);
        }
      }),
      { seed: 3, numRuns: 100 },
    );
  });

  it('narrow and unbind', () => {
    const tensor = (...shape: Dim[]) => ({ dtype: 'float32', shape });
    const narrow = (start: Dim, length: Dim) =>
      (infer('aten.narrow.default', [tensor(3, s1), 1, start, length]) as TensorMeta).shape.join(', ');
    expect(narrow(1, subDims(s1, 1))).toBe('3, s1 - 1');
    expect(narrow(-2, 2)).toBe('3, 2');
    expect(() => narrow(0, 65)).toThrow('65 positions from 0 are not in an extent of s1');
    expect(() => narrow(-1, 2)).toThrow('2 positions from -1 are not in an extent of s1');
    const parts = infer('aten.unbind.int', [tensor(3, s1, 2)]) as readonly TensorMeta[];
    expect(parts.map(({ shape }) => shape.join(', '))).toEqual(Array(3).fill('s1, 2'));
    expect(() => infer('aten.unbind.int', [tensor(3, s1), 1])).toThrow('needs a size known at export');
    const execute = (target: string, ...args: unknown[]) => {
      const operator = operators.get(target);
      return operator.execute(Arguments.bind<Tensor>(operator.schema, args));
    };
    const x = Tensor.from('float32', [...Array(12).keys()], [2, 3, 2]);
    const columns = execute('aten.unbind.int', x, -2) as readonly Tensor[];
    expect(columns.map((each) => [each.shape, each.toArray()])).toEqual([
      [
        [2, 2],
        [0, 1, 6, 7],
      ],
      [
        [2, 2],
        [2, 3, 8, 9],
      ],
      [
        [2, 2],
        [4, 5, 10, 11],
      ],
    ]);
    const narrowed = execute('aten.narrow.default', x, 1, -2, 2) as Tensor;
    expect([narrowed.shape, narrowed.toArray()]).toEqual([
      [2, 2, 2],
      [2, 3, 4, 5, 8, 9, 10, 11],
    ]);
  });

  it('select from either end, and refuse what is outside', () => {
    const select = (index: Dim) =>
      infer('aten.select.int', [{ dtype: 'float32', shape: [s1, 3] }, 0, index]) as TensorMeta;
    expect(select(-4).shape).toEqual([3]);
    expect(select(3).shape).toEqual([3]);
    expect(select(subDims(s1, 1)).shape).toEqual([3]);
    expect(() => select(64)).toThrow('index 64 is out of range for an extent of s1');
    expect(() => select(-65)).toThrow('index -65 is out of range for an extent of s1');
    expect(() => select(s1)).toThrow('index s1 is out of range for an extent of s1');
  });
});
