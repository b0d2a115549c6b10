import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadNpz, writeNpz } from '../../lib/formats/npz.ts';
import { readArtifact, writeArtifact } from '../../lib/runtime/artifact.ts';
import { Tensor } from '../../lib/tensor/index.ts';
import { octavoHere } from './octavo.ts';

const source = 'models/glyph_resnet.pt2';
const preprocessing = ['--mean', '0.5', '--std', '0.25'];

interface Measures {
  readonly sqnr: number | null;
  readonly drop: number | null;
}

interface Printed {
  readonly batch: number;
  readonly examples: number;
  readonly nodes: readonly {
    readonly node: string;
    readonly module: string;
    readonly actualNode: string;
    readonly alone: Measures;
    readonly together: Measures;
    readonly microseconds: number | null;
  }[];
}

describe('octavo compare', () => {
  let folder: string;
  let data: string;
  let quantized: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'octavo-compare-'));
    [data, quantized] = ['calib.npz', 'glyph_resnet.octavo'].map((name) => join(folder, name));
    const images = (await loadNpz('models/glyphs/calib.npz')).get('x')!;
    await writeFile(
      data,
      await writeNpz({ x: new Tensor('uint8', images.data.subarray(0, 96 * 3072), [96, 3, 32, 32]) }),
    );
    const { code } = await octavoHere(
      'quantize',
      source,
      '--calib',
      data,
      '--out',
      quantized,
      ...preprocessing,
    );
    expect(code).toBe(0);
  });
  afterAll(() => rm(folder, { recursive: true }));

  it('finds how far each layer of a saved model is from the float model', async () => {
    const { code, stdout, stderr } = await octavoHere('compare', source, quantized, '--data', data, '--json');
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const { nodes, examples, batch } = JSON.parse(stdout) as Printed;
    expect([examples, batch]).toEqual([96, 64]);
    // Twelve layers, and what moves data between them.
    expect(nodes.length).toBeGreaterThanOrEqual(12);
    const alone = nodes.map((node) => node.alone.sqnr ?? Infinity);
    expect(alone).toEqual([...alone].sort((a, b) => a - b));
    expect(nodes.find(({ node }) => node === 'linear')).toMatchObject({ module: 'fc' });
    for (const { node, together, microseconds } of nodes) {
      expect(together.sqnr).toBeGreaterThan(20);
      expect(together.sqnr).toBeLessThan(60);
      expect(together.drop).toBeLessThan(10);
      // A flattened average is a view.
      if (node === 'flatten') expect(microseconds).toBe(null);
      else expect(microseconds, node).toBeGreaterThan(0);
    }
  });

  it('--quantize makes the same model', async () => {
    const saved = await octavoHere('compare', source, quantized, '--data', data, '--json', ...preprocessing);
    const made = await octavoHere(
      'compare',
      source,
      '--quantize',
      '--data',
      data,
      '--json',
      ...preprocessing,
    );
    const nodesOf = ({ stdout }: { stdout: string }) => (JSON.parse(stdout) as Printed).nodes;
    expect(nodesOf(made).map(({ node }) => node)).toEqual(nodesOf(saved).map(({ node }) => node));
    for (const [i, { together }] of nodesOf(made).entries())
      expect(together.sqnr).toBeCloseTo(nodesOf(saved)[i].together.sqnr!, 3);
  });

  it('prints the worst layer first, with a bar', async () => {
    const { module, metadata, tuning } = await readArtifact(quantized);
    const layer = module.graph.nodes.filter(({ target }) => target.startsWith('onednn.qconv2d')).at(4)!;
    const args = layer.args as (typeof layer)[];
    const scale = args[4].target;
    const { data: scales, shape } = module.attribute(scale);
    module.attributes.set(
      scale,
      new Tensor(
        'float32',
        (scales as Float32Array).map((s) => 50 * s),
        shape,
      ),
    );
    const broken = join(folder, 'broken.octavo');
    await writeArtifact({ module, metadata, tuning }, broken);
    const { code, stdout } = await octavoHere('compare', source, broken, '--data', data);
    expect(code).toBe(0);
    const [heading, , first, second] = stdout.split('\n');
    expect(heading).toMatch(
      /^\| layer +\| +module \| +SQNR alone \| with all before \| +falls by \| +time \| +error alone \|$/,
    );
    // Clamped to the range it is quantized to: most of its values are the largest.
    expect(first).toMatch(/█{20} \|$/);
    expect(second).not.toMatch(/█{10}/);
    expect(first).toMatch(/ dB \| +\d+\.\d us \| /);
    const worst = /^\| (\w+)/.exec(first)![1];
    expect(stdout.trim().split('\n').at(-1)).toMatch(
      new RegExp(`^With all before, the SQNR falls most in ${worst}: by \\d+\\.\\d dB\\.$`),
    );
  });

  it('says what is asked the wrong way', async () => {
    const neither = await octavoHere('compare', source, '--data', data);
    expect(neither).toMatchObject({ code: 2, stdout: '' });
    const both = await octavoHere('compare', source, quantized, '--quantize', '--data', data, '--json');
    expect(both.code).toBe(2);
    expect(JSON.parse(both.stderr)).toEqual({ error: 'give either a second model or --quantize' });
    const floats = await octavoHere('compare', source, source, '--data', data, ...preprocessing);
    expect(floats.code).toBe(1);
    expect(floats.stderr).toContain('is not a model that octavo quantize wrote');
    const other = await octavoHere('compare', 'models/glyph_mobilenet.pt2', quantized, '--data', data);
    expect(other.code).toBe(1);
    expect(other.stderr).toContain('make both models from the same captured model');
  });
});
