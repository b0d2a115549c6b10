import { describe, expect, it } from 'vitest';
import { operators } from '../../lib/aten/index.ts';
import { loadPt2 } from '../../lib/capture/index.ts';
import { loadNpz } from '../../lib/formats/npz.ts';
import { Interpreter } from '../../lib/graph/index.ts';
import { lower } from '../../lib/lowering/index.ts';
import { compile } from '../../lib/runtime/index.ts';
import { expectClose } from '../support/aten-goldens.ts';

/** Written by script/goldens/in_place.py. */
const fixture = (name: string) => new URL(`../fixtures/pt2/in_place.${name}`, import.meta.url).pathname;
const arrays = await loadNpz(fixture('npz'));
const expected = Array.from({ length: arrays.size - 1 }, (_, i) => arrays.get(`out_${i}`)!);
// Sums and products of a few float32; exp may round its last bit otherwise.
const tolerance = { absolute: 0, relative: 2 ** -22 };

describe('in-place operators on views', () => {
  it('are seen by all who read the same memory afterwards, as in PyTorch', async () => {
    const outputs = new Interpreter(await loadPt2(fixture('pt2')), operators).run([arrays.get('x')!]);
    expectClose(outputs, expected, tolerance);
  });

  it('compile', async () => {
    using model = compile(lower(await loadPt2(fixture('pt2'))).module);
    expectClose(Object.values(await model.run(arrays.get('x')!)), expected, tolerance);
  });

  it('are repeated on what the view is of', async () => {
    const { graph } = await loadPt2(fixture('pt2'));
    const names = graph.nodes.map(({ name }) => name);
    expect(names).toContain('fill__in_slice_1');
    expect(names).toContain('fill__in_new_zeros');
  });
});
