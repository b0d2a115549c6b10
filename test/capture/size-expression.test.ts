import { describe, expect, it } from 'vitest';
import { parseSizeExpression } from '../../lib/capture/pt2/size-expression.ts';
import type { SymbolRanges } from '../../lib/graph/index.ts';

const s0 = "Symbol('s0', positive=True, integer=True)";
const s1 = "Symbol('s1', positive=True, integer=True)";
const ranges: SymbolRanges = new Map([['s1', { min: 4, max: 64 }]]);

describe("a size in SymPy's words", () => {
  it.each([
    [s0, 's0'],
    ['Integer(-1)', '-1'],
    [`Mul(Integer(4), ${s0})`, '4*s0'],
    [`Add(${s1}, Integer(-1))`, 's1 - 1'],
    [`Mul(${s0}, Add(${s1}, Integer(-1)))`, 's0*s1 - s0'],
    [`Pow(${s0}, Integer(2))`, 's0*s0'],
    [`FloorDiv(Add(${s1}, Integer(1)), Integer(2))`, '((s1 + 1)//2)'],
    [`Mod(${s0}, Integer(2))`, '(s0 % 2)'],
    [`PythonMod(${s0}, Integer(2))`, '(s0 % 2)'],
    [`Max(Integer(2), ${s1})`, 's1'],
    [`Min(Integer(8), ${s1}, ${s0})`, 'Min(Min(8, s1), s0)'],
  ])('%s is %s', (text, expected) => {
    expect(String(parseSizeExpression(text, ranges))).toBe(expected);
  });

  it('is refused where it is of another kind', () => {
    for (const text of [`IntTrueDiv(${s0}, Integer(2))`, 'Rational(1, 2)', 'constructor(Integer(1))', 'Add('])
      expect(() => parseSizeExpression(text, ranges)).toThrow(`the size '${text}' is not of a kind`);
    expect(() => parseSizeExpression(`Pow(${s0}, Integer(-1))`, ranges)).toThrow('the power -1 of a size');
  });
});
