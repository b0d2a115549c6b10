import { expect, it } from 'vitest';
import { exportOnnx, loadOnnx, loadPt2 } from '../../lib/index.ts';

it.each(['glyph_resnet', 'glyph_mobilenet', 'tiny_cnn'])(
  'training changes the same of an ONNX file as of the .pt2 file: %s',
  async (name) => {
    const original = await loadPt2(`models/${name}.pt2`);
    const { parameters } = (await loadOnnx(exportOnnx(original))).meta;
    expect(parameters!.size).toBeGreaterThan(5);
    expect([...parameters!].sort()).toEqual([...original.meta.parameters!].sort());
  },
);
