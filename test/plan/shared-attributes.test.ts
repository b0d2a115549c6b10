import { expect, it } from 'vitest';
import type { Attributes } from '../../lib/native/addon-types.ts';
import type { Instruction } from '../../lib/plan/instructions.ts';
import { withSharedAttributes } from '../../lib/plan/shared-attributes.ts';

const known = new Map<string, Attributes>();

/** The attributes that a plan's only step gets. */
function attributesOf(attributes: Attributes, node = 'linear'): Attributes {
  const instruction: Instruction = { op: 'linear', node, target: '', attributes, inputs: [], outputs: [] };
  const { instructions } = withSharedAttributes(
    { inputs: [], outputs: [], instructions: [instruction] },
    known,
  );
  return instructions[0].attributes;
}

const example = (): Attributes => ({
  scales: Float32Array.of(1, 2),
  padding: [0, 1],
  causal: true,
  postOps: [{ kind: 'sum', alpha: 0.5 }],
});

it('steps have the objects of earlier plans where nothing changed', () => {
  const first = attributesOf(example());
  expect(attributesOf(example())).toBe(first);
  expect(attributesOf(example(), 'another')).not.toBe(first);
});

it.each<readonly [string, Attributes]>([
  ['a scale', { ...example(), scales: Float32Array.of(1, 3) }],
  ['a number of a list', { ...example(), padding: [1, 1] }],
  ['the length of a list', { ...example(), padding: [0] }],
  ['a flag', { ...example(), causal: false }],
  ['a record', { ...example(), postOps: [{ kind: 'sum', alpha: 1 }] }],
  ['the records of a list', { ...example(), postOps: [{ kind: 'sum', alpha: 0.5, scale: 2 }] }],
  ['another attribute', { ...example(), rowsVary: true }],
  ['the sign of a zero', { ...example(), padding: [-0, 1] }],
])('and their own where %s did', (_, changed) => {
  attributesOf(example());
  expect(attributesOf(changed)).toBe(changed);
});
