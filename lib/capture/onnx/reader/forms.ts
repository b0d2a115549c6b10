import type { Attributes } from './attributes.ts';

/** A node as far as its form depends on the operator set. */
interface Form {
  readonly opset: number;
  readonly attributes: Attributes;
}

/**
 * Axes that were an attribute before operator set `inputSince` and are an input since.
 * @param given the input's elements, where there is one.
 * @returns undefined where neither names any.
 */
export function axesOf(
  { opset, attributes }: Form,
  given: readonly number[] | undefined,
  inputSince: number,
): readonly number[] | undefined {
  if (opset >= inputSince) return given;
  return attributes.has('axes') ? attributes.ints('axes') : undefined;
}

/** Far more than any model's, and few enough to be counted. */
const mostParts = 2 ** 16;

/**
 * The parts that `Split` divides an extent into.
 * @param given the elements of the input `split`, where there is one.
 * @throws Error when the parts do not make the extent.
 */
export function splitSizes(
  { attributes }: Form,
  extent: number,
  given: readonly number[] | undefined,
  outputs = 0,
): readonly number[] | undefined {
  const told = given ?? (attributes.has('split') ? attributes.ints('split') : undefined);
  if (told) {
    const isWhole = told.every((part) => Number.isSafeInteger(part) && part >= 0);
    if (!isWhole || told.reduce((sum, part) => sum + part, 0) !== extent)
      throw new Error(`the parts [${told.join(', ')}] do not make the extent of ${extent}`);
    return told;
  }
  const count = attributes.int('num_outputs', outputs);
  if (count < 1) return undefined;
  if (count > mostParts) throw new Error(`${count} parts are more than ${mostParts}`);
  const size = Math.ceil(extent / count);
  return Array.from({ length: count }, (_, i) => Math.max(0, Math.min(size, extent - i * size)));
}
