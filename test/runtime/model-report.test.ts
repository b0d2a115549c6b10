import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadPt2 } from '../../lib/capture/index.ts';
import { encodeSafetensors } from '../../lib/formats/safetensors.ts';
import { lower } from '../../lib/lowering/index.ts';
import { compile, formatReport, loadModel } from '../../lib/runtime/index.ts';
import { decodeSafetensors } from '../support/decode-safetensors.ts';
import { GraphBuilder } from '../support/graph-builder.ts';
import { convNet } from '../support/models.ts';

const converted = () => loadPt2(new URL('../fixtures/pt2e/tiny_cnn/converted.pt2', import.meta.url).pathname);
const shape = [2, 3, 16, 16];

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'octavo-report-'));
});
afterAll(() => rm(folder, { recursive: true }));

describe("a model's report", () => {
  it('is what lower reported, before there is a plan', async () => {
    const { module, report } = lower(await converted());
    using model = compile(module);
    expect(model.report).toEqual({
      ...report,
      nodes: report.nodes.map((node) => ({ ...node, steps: [] })),
      inputs: null,
    });
  });

  it('describes steps that read no tensor', () => {
    const b = new GraphBuilder();
    const x = b.input('x', [2, 3]);
    using model = compile(lower(b.finish(b.call('aten.zeros_like.default', x))).module);
    const steps = model.plan({ x: [2, 3] }).steps.map(({ op, inputDtype, dtype }) => [op, inputDtype, dtype]);
    expect(steps).toEqual([['fill', 'float32', 'float32']]);
  });

  it('names the step and the kernel of every operator, and every step of the plan has its operators', async () => {
    using model = compile(lower(await converted()).module);
    const { batch: _, ...shapes } = { batch: 2, ...firstShapes(model.inputs) };
    const plan = model.plan(shapes);
    const { nodes, inputs } = model.reportFor(shapes);
    expect(inputs).toEqual(plan.inputs);
    for (const { outcome, steps, lowered } of nodes.filter((node) => node.outcome === 'step')) {
      expect({ outcome, lowered, steps: steps.length }).toEqual({ outcome, lowered, steps: 1 });
      const [{ index, op, implementation }] = steps;
      expect(plan.steps[index]).toMatchObject({ node: lowered, op, implementation });
    }
    const claimed = new Set(nodes.flatMap(({ steps }) => steps.map(({ index }) => index)));
    const unclaimed = plan.steps.filter(({ target }, i) => target !== undefined && !claimed.has(i));
    expect(unclaimed).toEqual([]);
    const addition = nodes.find(({ node }) => node === 'add')!;
    expect(plan.steps[addition.steps[0].index].operators).toEqual(['conv2d_2', 'add', 'relu_2']);
    expect(model.report).toEqual(model.reportFor(shapes));
  });

  it('comes with a saved model', async () => {
    const path = join(folder, 'saved.octavo');
    using model = compile(lower(await converted()).module);
    await model.save(path);
    using loaded = await loadModel(path);
    expect(loaded.report).toEqual(model.report);
  });

  it('of a model that was not lowered names its own operators', () => {
    using model = compile(convNet());
    const { nodes, passes } = model.reportFor([1, 3, 8, 8]);
    expect(passes).toEqual([]);
    expect(nodes.map(({ target }) => target)).toContain('aten.adaptive_avg_pool2d.default');
    for (const { outcome, steps } of nodes) if (outcome === 'step') expect(steps.length).toBeGreaterThan(0);
  });

  it('as text has a line for every operator', async () => {
    using model = compile(lower(await converted()).module);
    const text = formatReport(model.reportFor(firstShapes(model.inputs)));
    for (const { node, target } of model.report.nodes)
      expect(text.split('\n')).toContain(`    ${node} (${target})`);
    expect(text).toMatch(/^flatten\w* +aten\.flatten\.using_ints +uint8 +a view: free$/m);
    expect(text).toMatch(/^ {2}quantized-convolution +3$/m);
    expect(text).toMatch(/every quantized pattern was fused$/);
  });

  it.each([
    ['[]', /is damaged: lowering/],
    [
      '{"passes": [], "nodes": [[1, "", [], []]], "refusals": []}',
      /lowering\.nodes\[0\]\[0\] is not a string/,
    ],
    ['{"passes": [], "nodes": [["a", "b", [], [7]]], "refusals": []}', /\[3\]\[0\] is no index of a pass/],
    ['{"passes": [], "nodes": [["a"]], "refusals": []}', /lowering\.nodes\[0\] has 1 cells, not 4/],
    ['{"passes": []}', /lowering has no field 'nodes'/],
  ])('that is damaged in the file is refused: %s', async (lowering, message) => {
    const path = join(folder, 'whole.octavo');
    using model = compile(lower(await converted()).module);
    await model.save(path);
    const { tensors, metadata } = decodeSafetensors(await readFile(path), path);
    const damaged = join(folder, 'damaged.octavo');
    await writeFile(
      damaged,
      Buffer.concat(encodeSafetensors({ tensors, metadata: { ...metadata, lowering } })),
    );
    await expect(loadModel(damaged)).rejects.toThrow(message);
  });
});

/** Each input's shape, two for every size that is not fixed. */
function firstShapes(inputs: readonly { readonly name: string; readonly shape: readonly unknown[] }[]) {
  const sizes = inputs.map(({ name, shape: dims }) => [
    name,
    dims.map((dim) => (typeof dim === 'number' ? dim : shape[0])),
  ]);
  return Object.fromEntries(sizes) as Record<string, readonly number[]>;
}
