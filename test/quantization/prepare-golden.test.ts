import { describe, expect, it } from 'vitest';
import { goldenJson, goldenText, prepareModel, print, printAnnotations } from '../support/pt2e-goldens.ts';

const cases = [
  ['tiny_cnn', 'tiny_cnn', {}],
  ['tiny_cnn', 'tiny_cnn_rr', { reduceRange: true }],
  ['tiny_cnn', 'tiny_cnn_dynamic', { isDynamic: true }],
  ['transformer', 'transformer_static', {}],
  ['transformer', 'transformer_dynamic', { isDynamic: true }],
  ['glyph_resnet', 'glyph_resnet/static', {}],
  ['glyph_resnet', 'glyph_resnet/reduce_range', { reduceRange: true }],
  ['glyph_mobilenet', 'glyph_mobilenet/static', {}],
  ['glyph_mobilenet', 'glyph_mobilenet/reduce_range', { reduceRange: true }],
] as const;

describe.each(cases)('%s prepared as %s', (model, folder, options) => {
  it('is annotated as by X86InductorQuantizer', async () => {
    const expected = goldenJson<object[]>(`${folder}/annotations.json`);
    const got = printAnnotations(await prepareModel(model, options));
    // The glyph models' files do not say which nodes end a pattern.
    const fields = Object.keys(expected[0]);
    expect(
      got.map((entry) => Object.fromEntries(fields.map((f) => [f, entry[f as keyof typeof entry]]))),
    ).toEqual(expected);
  });

  it('is the graph that prepare_pt2e makes', async () => {
    const prepared = await prepareModel(model, options);
    expect(print(prepared)).toBe(goldenText(`${folder}/graph_1_prepared.txt`));
  });
});
