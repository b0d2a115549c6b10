import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { operators } from '../../lib/aten/index.ts';
import { loadPt2 } from '../../lib/capture/index.ts';
import { printGraph } from '../../lib/graph/index.ts';

const golden = (path: string) =>
  readFileSync(new URL(`../fixtures/${path}`, import.meta.url), 'utf8')
    .split('\n\n')[0]
    .trimEnd();

describe('loadPt2', () => {
  it("gives the graph that PyTorch's export printed", async () => {
    const module = await loadPt2('models/tiny_cnn.pt2');
    expect(printGraph(module.graph, operators)).toBe(golden('pt2e/tiny_cnn/graph_0_exported.txt'));
  });

  it('keeps the range of the dynamic batch and its symbol in every shape', async () => {
    const module = await loadPt2('models/tiny_cnn.pt2');
    expect([...module.rangeConstraints]).toEqual([['s0', { min: 1, max: 1024 }]]);
    const shapes = module.graph.nodes.flatMap((node) => {
      const { val } = node.meta;
      return typeof val === 'object' && 'shape' in val && node.op !== 'get_attr' ? [val.shape.join()] : [];
    });
    expect(shapes[0]).toBe('s0,3,32,32');
    expect(shapes.at(-1)).toBe('s0,10');
    expect(shapes.every((shape) => shape.startsWith('s0,'))).toBe(true);
  });

  it('keeps where in the model a node came from', async () => {
    const { graph } = await loadPt2('models/glyph_mobilenet.pt2');
    const hardtanh = graph.nodes.find((node) => node.name === 'hardtanh')!;
    expect(hardtanh.meta.nnModuleStack?.map((frame) => frame.path)).toEqual([
      '',
      'body',
      'body.0',
      'body.0.f',
      'body.0.f.2',
    ]);
    expect(hardtanh.meta.sourceFnStack?.at(-1)?.target).toBe('torch.nn.modules.activation.ReLU6');
    expect(hardtanh.meta.stackTrace).toContain('train.py');
    expect(printGraph(graph, operators)).toContain('(%batch_norm_1, 0.0, 6.0)');
  });

  it('reads weights with their dtypes and values', async () => {
    const module = await loadPt2('models/tiny_cnn.pt2');
    expect(module.attribute('conv1.weight').shape).toEqual([16, 3, 3, 3]);
    expect(module.attribute('bn1.num_batches_tracked').data).toEqual(BigInt64Array.of(10n));
  });

  it('reads a program that PyTorch quantized', async () => {
    const module = await loadPt2('test/fixtures/pt2e/tiny_cnn/converted.pt2');
    expect(module.attribute('_frozen_param0').dtype).toBe('int8');
    const printed = printGraph(module.graph, operators);
    expect(printed).toContain('(%x, 0.03247925266623497, 130, 0, 255, torch.uint8), kwargs = {})');
    expect(printed).toContain(
      'dequantize_per_channel.default](args = (%_frozen_param0, %_scale_0, %_zero_point_0, 0, -128, 127, torch.int8)',
    );
  });
});
