import type { Attributes, AttributeValue } from '../native/addon-types.ts';
import type { Program } from './instructions.ts';

/**
 * Gives steps the attribute objects that they had in an earlier plan, where nothing in them changed: the addon converts each
 * object once, and plans for other sizes share what it became.
 * @param known those of plans so far, by the step.
 */
export function withSharedAttributes(program: Program, known: Map<string, Attributes>): Program {
  const instructions = program.instructions.map((instruction) => {
    const { op, node, attributes } = instruction;
    const key = `${op} ${node}`;
    const before = known.get(key);
    if (before && areEqual(before, attributes)) return { ...instruction, attributes: before };
    known.set(key, attributes);
    return instruction;
  });
  return { ...program, instructions };
}

function areEqual(a: Attributes, b: Attributes): boolean {
  const names = Object.keys(a);
  return (
    names.length === Object.keys(b).length && names.every((name) => name in b && isSame(a[name], b[name]))
  );
}

function isSame(a: AttributeValue, b: AttributeValue): boolean {
  if (typeof a !== 'object' || typeof b !== 'object') return Object.is(a, b);
  if (a === b) return true;
  if (a.length !== b.length || a.constructor !== b.constructor) return false;
  for (let i = 0; i < a.length; i++) {
    const [one, other] = [a[i], b[i]];
    const same = typeof one === 'object' ? areEqual(one, other as Attributes) : Object.is(one, other);
    if (!same) return false;
  }
  return true;
}
