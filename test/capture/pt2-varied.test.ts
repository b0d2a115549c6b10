import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { operators } from '../../lib/aten/index.ts';
import { loadPt2 } from '../../lib/capture/index.ts';
import { Interpreter, printGraph, propagateShapes, type TensorMeta } from '../../lib/graph/index.ts';
import { Tensor } from '../../lib/tensor/index.ts';

/**
 * A model that PyTorch 2.6 exported to have everything an archive can hold: views into one storage, transposed, with
 * offsets and broadcast; all element types; a buffer that is not persistent, a constant; an infinite argument, several
 * results, in-place operators, and a size that is twice the batch.
 */
const fixture = (name: string) => new URL(`../fixtures/pt2/varied.${name}`, import.meta.url).pathname;
const expected = JSON.parse(readFileSync(fixture('json'), 'utf8')) as {
  readonly x: number[];
  readonly outputs: readonly { readonly shape: number[]; readonly values: number[] }[];
};

describe('a .pt2 file of every kind of tensor', () => {
  it("has PyTorch's graph", async () => {
    const { graph } = await loadPt2(fixture('pt2'));
    expect(printGraph(graph, operators)).toBe(readFileSync(fixture('txt'), 'utf8').trimEnd());
  });

  it('has every tensor, row-major and of its own type', async () => {
    const module = await loadPt2(fixture('pt2'));
    const content = (name: string) => {
      const { dtype, shape, data } = module.attribute(name);
      return [dtype, shape, [...data]];
    };
    const rows = [0, 1, 2, 3, 4, 5].flatMap((i) => [i, i + 6, i + 12].map((value) => value / 8));
    expect(content('w')).toEqual(['float32', [6, 3], rows]);
    expect(content('column')).toEqual(['float32', [4], [0.25, 1, 1.75, 2.5]]);
    expect(content('row')).toEqual(['float32', [6], [0.75, 0.875, 1, 1.125, 1.25, 1.375]]);
    expect(content('broadcast')).toEqual(['float32', [3], [0.5, 0.5, 0.5]]);
    expect(content('f16')).toEqual(['float16', [2], [0x3c00, 0xc100]]);
    expect(content('bf16')).toEqual(['bfloat16', [2], [0x3f80, 0xc020]]);
    expect(content('f64')).toEqual(['float64', [2], [1e-300, 2]]);
    expect(content('i8')).toEqual(['int8', [1, 2], [-128, 127]]);
    expect(content('u8')).toEqual(['uint8', [2], [0, 255]]);
    expect(content('i16')).toEqual(['int16', [1], [-300]]);
    expect(content('i32')).toEqual(['int32', [], [70000]]);
    expect(content('i64')).toEqual(['int64', [1], [2n ** 40n]]);
    expect(content('flag')).toEqual(['bool', [2], [1, 0]]);
    expect(content('u16')).toEqual(['uint16', [2], [65535, 1]]);
    expect(content('passing')).toEqual(['float32', [1], [2]]);
    expect(content('k')).toEqual(['float32', [1], [4]]);
    expect(content('empty')).toEqual(['float32', [0, 3], []]);
  });

  it('computes what PyTorch computes', async () => {
    const module = await loadPt2(fixture('pt2'));
    const outputs = new Interpreter(module, operators).run([Tensor.from('float32', expected.x, [2, 6])]);
    expect(outputs.map((output) => output.shape)).toEqual(expected.outputs.map(({ shape }) => shape));
    // All values are small multiples of 1/64: float32 holds every one of them, and every sum, exactly.
    expect(outputs.map((output) => output.toArray())).toEqual(expected.outputs.map(({ values }) => values));
  });

  it("has shapes that our operators' rules confirm", async () => {
    for (const path of [
      fixture('pt2'),
      'models/tiny_cnn.pt2',
      'models/glyph_resnet.pt2',
      'models/glyph_mobilenet.pt2',
    ]) {
      const module = await loadPt2(path);
      const inputs = module.graph.placeholders.map((node) => node.meta.val as TensorMeta);
      for (const [node, meta] of propagateShapes(module, inputs, operators))
        expect([node.name, JSON.stringify(meta)]).toEqual([node.name, JSON.stringify(node.meta.val)]);
    }
  });
});
