import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { operators } from '../../lib/aten/index.ts';
import { Arguments, type RuntimeValue } from '../../lib/graph/index.ts';
import { arrayTypeOf, type DType, isFloatingPoint, numelOf, Tensor } from '../../lib/tensor/index.ts';

/** What script/goldens/aten.py writes for a tensor. */
interface StoredTensor {
  readonly tensor: DType;
  readonly shape: readonly number[];
  readonly offset: number;
}

/** A call, and what PyTorch computed. */
export interface Case {
  readonly op: string;
  readonly args: readonly unknown[];
  readonly kwargs: Readonly<Record<string, unknown>>;
  readonly expected: unknown;
}

/** How far apart two values may be: `absolute + relative * |expected|`. */
export interface Tolerance {
  readonly absolute: number;
  readonly relative: number;
}

export const exact: Tolerance = { absolute: 0, relative: 0 };

const folder = new URL('../fixtures/aten/', import.meta.url);

/** The number that the bits of a float16 stand for. */
function fromFloat16(bits: number): number {
  const [sign, exponent, fraction] = [bits >> 15 ? -1 : 1, (bits >> 10) & 31, bits & 1023];
  if (exponent === 31) return fraction ? Number.NaN : sign * Number.POSITIVE_INFINITY;
  return sign * (exponent ? 2 ** (exponent - 15) * (1 + fraction / 1024) : 2 ** -24 * fraction);
}

/** Elements as numbers; 16-bit floats from their bits. */
export function valuesOf(tensor: Tensor): Float64Array {
  if (tensor.dtype === 'float16') return Float64Array.from(tensor.data as Uint16Array, fromFloat16);
  if (tensor.dtype !== 'bfloat16')
    return Float64Array.from(tensor.data as ArrayLike<number | bigint>, Number);
  const bits = Uint32Array.from(tensor.data as Uint16Array, (v) => v << 16);
  return Float64Array.from(new Float32Array(bits.buffer));
}

/** Fails unless both have the same dtype, shape and, within the tolerance, values. */
export function expectClose(actual: RuntimeValue, expected: unknown, tolerance: Tolerance): void {
  if (Array.isArray(expected)) {
    expect(actual).toHaveLength(expected.length);
    expected.forEach((item, i) => {
      expectClose((actual as readonly Tensor[])[i], item, tolerance);
    });
    return;
  }
  const [a, e] = [actual as Tensor, expected as Tensor];
  expect([a.dtype, ...a.shape]).toEqual([e.dtype, ...e.shape]);
  const [got, want] = [valuesOf(a), valuesOf(e)];
  const { absolute, relative } = isFloatingPoint(e.dtype) ? tolerance : exact;
  for (let i = 0; i < want.length; i++) {
    if (Object.is(got[i], want[i]) || got[i] === want[i]) continue;
    const allowed = absolute + relative * Math.abs(want[i]);
    if (!(Math.abs(got[i] - want[i]) <= allowed))
      throw new Error(`element ${i}: ${got[i]}, expected ${want[i]} within ${allowed}`);
  }
}

/** One unit in the last place of 16-bit floats, and some hundred of float64, whose sums are in another order. */
const tolerances: Partial<Record<DType, Tolerance>> = {
  bfloat16: { absolute: 1e-3, relative: 2 ** -7 },
  float16: { absolute: 1e-4, relative: 2 ** -10 },
  float64: { absolute: 1e-14, relative: 1e-13 },
};

/** PyTorch's message where it refused the call. */
const refusalOf = (expected: unknown): string | undefined =>
  typeof expected === 'object' && expected !== null && 'error' in expected
    ? String(expected.error)
    : undefined;

const dtypeOf = (expected: unknown): DType | undefined => {
  const [first] = [expected].flat();
  return first instanceof Tensor ? first.dtype : undefined;
};

/** The cases of a family's fixture, their tensors read. */
export function readCases(family: string): readonly Case[] {
  const cases = JSON.parse(readFileSync(new URL(`${family}.json`, folder), 'utf8')) as Case[];
  const bytes = new Uint8Array(readFileSync(new URL(`${family}.bin`, folder)));
  const decode = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(decode);
    if (typeof value !== 'object' || value === null) return value;
    if ('number' in value) return Number(String(value.number).replace('inf', 'Infinity'));
    if ('error' in value) return value;
    const { tensor: dtype, shape, offset } = value as StoredTensor;
    const size = numelOf(shape) * arrayTypeOf(dtype).BYTES_PER_ELEMENT;
    return Tensor.fromBytes(dtype, bytes.slice(offset, offset + size), shape);
  };
  return cases.map(({ op, args, kwargs, expected }) => ({
    op,
    args: decode(args) as readonly unknown[],
    kwargs: Object.fromEntries(Object.entries(kwargs).map(([name, value]) => [name, decode(value)])),
    expected: decode(expected),
  }));
}

/** The call, with shapes in place of tensors. */
export function describeCase({ op, args, kwargs }: Case): string {
  const text = (value: unknown): unknown =>
    value instanceof Tensor
      ? `${value.dtype}[${value.shape}]`
      : Array.isArray(value)
        ? value.map(text)
        : value;
  return `${op} ${JSON.stringify([...args.map(text), ...Object.entries(kwargs).map(([k, v]) => [k, text(v)])])}`;
}

/**
 * One test an operator, running all of its cases in a family's fixture. What PyTorch refuses must be refused.
 * @param tolerance for float32 results; the reason belongs at the call. bfloat16 results get one unit in the last place.
 */
export function testGoldens(family: string, tolerance: (op: string) => Tolerance): void {
  const cases = readCases(family);
  for (const op of new Set(cases.map((item) => item.op)))
    it(op, () => {
      const operator = operators.get(op);
      for (const item of cases.filter((other) => other.op === op)) {
        const { args, kwargs, expected } = item;
        const run = () => operator.execute(Arguments.bind<Tensor>(operator.schema, args, kwargs));
        try {
          const refusal = refusalOf(item.expected);
          // Octavo may have what PyTorch has not yet.
          if (refusal?.includes('not implemented for')) continue;
          if (refusal !== undefined) expect(run).toThrow(operator.schema.name);
          else expectClose(run(), expected, tolerances[dtypeOf(expected) ?? 'float32'] ?? tolerance(op));
        } catch (error) {
          throw new Error(`${describeCase(item)}: ${(error as Error).message}`, { cause: error });
        }
      }
    });
}
