import { expect, test } from 'vitest';
import { nameFloatIslands } from '../../../lib/lowering/passes/name-float-islands.ts';
import { GraphBuilder } from '../../support/graph-builder.ts';
import { runPass } from '../../support/run-pass.ts';

test('an operator between integers is named, one at the border of the float part is not', () => {
  const build = new GraphBuilder();
  const x = build.input('x', [2, 8]);
  const island = build.call('aten.softmax.int', build.quantizeDequantize(x, 0.1, 0), -1);
  const border = build.call('aten.softmax.int', x, -1);
  const { report } = runPass(
    nameFloatIslands,
    build.finish(build.quantize(island, 0.1, 0), build.quantize(border, 0.1, 0)),
  );
  expect(report.refusals).toEqual([
    {
      node: island.name,
      pass: 'name-float-islands',
      reason: 'there is no form of aten.softmax.int for 8-bit integers',
    },
  ]);
});
