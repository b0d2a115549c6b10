import { nastyNumbers } from '../nasty-numbers.ts';
import type { Random } from '../random.ts';

export type Json = number | string | boolean | null | readonly Json[] | { readonly [key: string]: Json };

/** Strings and keys that a document holds: one in another's place is more likely to be read on than a random one. */
export interface Vocabulary {
  readonly strings: readonly string[];
  readonly keys: readonly string[];
}

export function vocabularyOf(document: Json, more: readonly string[] = []): Vocabulary {
  const [strings, keys] = [new Set(more), new Set<string>()];
  const visit = (value: Json) => {
    if (typeof value === 'string' && value.length < 100) strings.add(value);
    else if (typeof value === 'object' && value !== null)
      for (const [key, item] of Object.entries(value)) {
        if (!Array.isArray(value)) keys.add(key);
        visit(item);
      }
  };
  visit(document);
  return { strings: [...strings], keys: [...keys] };
}

/** The document with one place changed, which a random walk ends at. */
export function changeJson(random: Random, value: Json, vocabulary: Vocabulary): Json {
  if (Array.isArray(value) && value.length > 0 && !random.chance(0.06))
    return changeList(random, value, vocabulary);
  if (typeof value === 'object' && value !== null && !Array.isArray(value) && !random.chance(0.04)) {
    const object = value as { readonly [key: string]: Json };
    if (Object.keys(object).length > 0) return changeObject(random, object, vocabulary);
  }
  return changeLeaf(random, value, vocabulary);
}

function changeList(random: Random, list: readonly Json[], vocabulary: Vocabulary): Json {
  const [at, other] = [random.integer(0, list.length - 1), random.integer(0, list.length - 1)];
  return random.weighted<() => Json>([
    [1, () => list.toSpliced(at, 1)],
    [1, () => list.toSpliced(at, 0, list[at])],
    [1, () => list.with(at, list[other]).with(other, list[at])],
    [21, () => list.with(at, changeJson(random, list[at], vocabulary))],
  ])();
}

function changeObject(
  random: Random,
  object: { readonly [key: string]: Json },
  vocabulary: Vocabulary,
): Json {
  const key = random.pick(Object.keys(object));
  const { [key]: item, ...rest } = object;
  return random.weighted<() => Json>([
    [1, () => rest],
    [1, () => ({ ...object, [random.pick(vocabulary.keys)]: item })],
    [1, () => ({ ...rest, [random.pick(vocabulary.keys)]: item })],
    [27, () => ({ ...rest, [key]: changeJson(random, item, vocabulary) })],
  ])();
}

/** Numbers as JSON has none: how `.octavo` files write them. */
const unusual = ['NaN', 'Infinity', '-Infinity', '-0', 'abc'];
const nested = (depth: number): Json => (depth === 0 ? 1 : [nested(depth - 1)]);

function changeLeaf(random: Random, value: Json, { strings }: Vocabulary): Json {
  if (typeof value === 'number' && random.chance(0.75))
    return random.pick<() => Json>([
      () => value + random.pick([-2, -1, 1, 2]),
      () => value * random.pick([2, 0.5, -1, 1000, 1e-6]),
      () => ({ number: random.pick(unusual) }),
      () => random.pick(nastyNumbers),
      () => random.pick(nastyNumbers),
    ])();
  if (typeof value === 'boolean' && random.chance(0.7)) return !value;
  if (typeof value === 'string' && random.chance(0.75))
    return random.pick<() => Json>([
      () => random.pick(strings),
      () => random.pick(strings),
      () => `${value}x`,
      () => value.slice(1),
      () => value.repeat(3),
      () => '',
    ])();
  return random.pick<() => Json>([
    ...([null, [], {}, true] as const).map((fixed) => () => fixed),
    () => random.pick(nastyNumbers),
    () => [random.pick(nastyNumbers), random.pick(nastyNumbers)],
    () => random.pick(strings),
    () => ({ number: random.pick(unusual) }),
    () => nested(random.pick([1, 2, 3, 50])),
  ])();
}
