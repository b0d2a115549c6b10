import { describe, expect, it } from 'vitest';
import { operators } from '../../lib/aten/index.ts';
import { loadPt2 } from '../../lib/capture/index.ts';
import { type GraphModule, Interpreter } from '../../lib/graph/index.ts';
import { lower } from '../../lib/lowering/index.ts';
import { calibrate, convertPt2e } from '../../lib/quantization/index.ts';
import { prepareStatic } from '../../lib/recipes/convert.ts';
import { expectSameGraph, print } from '../support/pt2e-goldens.ts';
import {
  listAnnotations,
  torchaoFile,
  torchaoGraph,
  torchaoJson,
  torchaoTensor,
} from '../support/torchao-goldens.ts';
import { expectSameQdqNodes, type QdqNode } from './qdq-list.ts';

const batches = [0, 1, 2];

const outputs = (module: GraphModule, folder: string) =>
  batches.flatMap((i) =>
    new Interpreter(module, operators).run([torchaoTensor(`${folder}/in_${i}`)])[0].toArray(),
  );

const rmsOfDifference = (a: readonly number[], b: readonly number[]) =>
  Math.sqrt(a.reduce((sum, value, i) => sum + (value - b[i]) ** 2, 0) / a.length);

async function quantize(folder: string, options: Parameters<typeof prepareStatic>[1] = {}) {
  const prepared = prepareStatic(await loadPt2(torchaoFile(`${folder}/float.pt2`)), options);
  await calibrate(
    prepared,
    batches.map((i) => torchaoTensor(`${folder}/in_${i}`)),
  );
  return { prepared, converted: convertPt2e(prepared) };
}

/** Models of what changed since PyTorch 2.6, and how many quantize and dequantize nodes torchao gives them. */
describe.each([
  ['gated', 10],
  ['glu', 12],
  ['reused_linear', 9],
  ['conv1d_relu', 3],
  ['linear_bn', 6],
])('%s', (name, nodes) => {
  const folder = `small_${name}`;

  it('is quantized as by torchao, node for node', async () => {
    const { prepared, converted } = await quantize(folder);
    expect(listAnnotations(prepared)).toEqual(torchaoJson(`${folder}/annotations.json`));
    expectSameGraph(print(converted), torchaoGraph(`${folder}/graph_2_converted.txt`));
    expectSameQdqNodes(converted, torchaoJson<QdqNode[]>(`${folder}/qdq.json`));
    const isQdq = ({ target }: { target: string }) => target.startsWith('quantized_decomposed.');
    expect(converted.graph.nodes.filter(isQdq)).toHaveLength(nodes);
  });

  it('answers as torchao’s does, lowered too', async () => {
    const { converted } = await quantize(folder);
    const read = (what: string) => batches.flatMap((i) => torchaoTensor(`${folder}/${what}_${i}`).toArray());
    const [expected, inFloat] = [read('converted_out'), read('float_out')];
    // A value that rounds to the next integer is rare, and no more than what quantization did to each of them.
    const tolerance = 0.25 * rmsOfDifference(expected, inFloat);
    for (const module of [converted, lower(converted).module])
      expect(rmsOfDifference(outputs(module, folder), expected)).toBeLessThanOrEqual(tolerance);
  });
});

it.each([
  ['gated', ['mul']],
  ['glu', ['mul']],
  ['linear_bn', ['batch_norm']],
])('%s, by the recipe of PyTorch 2.6, leaves %j in floating point', async (name, left) => {
  const { prepared } = await quantize(`small_${name}`, { recipe: 'pytorch-2.6' });
  const annotated = prepared.graph.nodes.filter(({ meta }) => meta.quantizationAnnotation).map(String);
  const names = prepared.graph.nodes.map(String);
  for (const node of left) {
    expect(names).toContain(node);
    expect(annotated).not.toContain(node);
  }
});
