import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { quantizeStatic } from '../../lib/recipes/index.ts';
import { zip } from '../support/archives.ts';
import { goldenTensor } from '../support/pt2e-goldens.ts';
import { rooted } from '../support/raw-archives.ts';
import { octavoHere } from './octavo.ts';

describe('octavo inspect', () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'octavo-inspect-'));
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  const inspect = async (file: string) => JSON.parse((await octavoHere('inspect', file, '--json')).stdout);
  const cases = 'test/fixtures/cases/pytorch_2.14';

  it('tells layout, version, writer, inputs, outputs, weights and operators of a .pt2', async () => {
    expect(await inspect('models/tiny_cnn.pt2')).toEqual({
      file: 'models/tiny_cnn.pt2',
      size: 77590,
      format: '.pt2, the layout of PyTorch up to 2.7 (flat, weights by torch.save)',
      version: 'schema 8.2',
      writer: 'PyTorch 2.6.0+debian',
      programs: [
        {
          name: 'model',
          inputs: [{ name: 'x', dtype: 'float32', shape: ['s0', 3, 32, 32] }],
          outputs: [{ name: 'linear', dtype: 'float32', shape: ['s0', 10] }],
          operators: [
            ['aten.batch_norm.default', 3],
            ['aten.conv2d.default', 3],
            ['aten.relu.default', 3],
            ...['adaptive_avg_pool2d.default', 'add.Tensor', 'flatten.using_ints', 'linear.default'].map(
              (name) => [`aten.${name}`, 1],
            ),
            ['aten.max_pool2d.default', 1],
          ].map(([target, count]) => ({ target, count, isSupported: true })),
          // Three convolutions of 16 channels, their batch norms, and a linear layer to 10 classes; three counters.
          weights: [
            { dtype: 'float32', tensors: 17, bytes: 4 * (16 * 27 + 2 * 16 * 144 + 3 * 64 + 160 + 10) },
            { dtype: 'int64', tensors: 3, bytes: 24 },
          ],
          remarks: ['the size s0 is from 1 to 1024'],
        },
      ],
    });
  });

  it('of a raw archive, with what is missing and a mode that is not read as such', async () => {
    const { stdout } = await octavoHere('inspect', `${cases}/lstm_tagger.pt2`);
    expect(stdout).toContain('the layout of PyTorch 2.9 and later (root folder, raw weights)');
    expect(stdout).toContain('schema 8.20, written by PyTorch 2.14.1+debian, 31 kB');
    expect(stdout).toContain('input   tokens  int64[2, 7]\noutput  linear  float32[2, 7, 5]');
    const training = await inspect('test/fixtures/pt2/glyph_mobilenet.train.pt2');
    expect(training.programs[0].remarks).toContain(
      'exported in training mode; it is read in evaluation mode',
    );
  });

  it('lists operators that are not supported, and every model of an archive', async () => {
    const [a, b] = [await rooted('both/', 'a'), await rooted('both/', 'b')];
    const program = new TextDecoder()
      .decode(b.get('both/models/b.json'))
      .replace('torch.ops.aten.relu.default', 'torch.ops.mylib.relu.default');
    b.set('both/models/b.json', new TextEncoder().encode(program));
    const path = join(folder, 'both.pt2');
    writeFileSync(path, await zip(new Map([...a, ...b])));
    const { stdout } = await octavoHere('inspect', path);
    expect(stdout).toContain("model 'a'\ninput");
    expect(stdout).toContain("model 'b'\ninput");
    expect(stdout).toContain('operators that are not supported: mylib.relu.default (1)');
  });

  it('a model that Octavo saved', async () => {
    const path = join(folder, 'tiny.octavo');
    using model = await quantizeStatic('models/tiny_cnn.pt2', [goldenTensor('tiny_cnn/eval_in')], {
      metadata: { classes: 'ten' },
    });
    await model.save(path);
    const { format, version, programs } = await inspect(path);
    expect([format, version]).toEqual(['a model that Octavo saved (safetensors)', 'version 1']);
    const [{ inputs, outputs, operators, remarks }] = programs;
    expect(inputs).toEqual([{ name: 'x', dtype: 'float32', shape: ['s0', 3, 32, 32] }]);
    expect(outputs).toEqual([{ name: 'linear', dtype: 'float32', shape: ['s0', 10] }]);
    expect(operators).toContainEqual({
      target: 'onednn.qconv2d_pointwise.default',
      count: 2,
      isSupported: true,
    });
    expect(remarks).toEqual(['the size s0 is from 1 to 1024', 'classes: ten']);
  });

  it('refuses what is no model, by its name', async () => {
    expect(await octavoHere('inspect', 'models/glyphs/calib.npz')).toMatchObject({
      code: 1,
      stderr: 'octavo: models/glyphs/calib.npz: this is an archive of NumPy arrays, not of a program\n',
    });
  });
});

describe('commands that need input shapes', () => {
  it('have the sizes of the export where the model leaves more than the batch open', async () => {
    const { stdout } = await octavoHere(
      ...[
        'print',
        'test/fixtures/cases/pytorch_2.14/sentence_embedding.pt2',
        '--stage',
        'plan',
        '--batch',
        '3',
      ],
    );
    // Exported for two sentences of six tokens.
    expect(stdout).toContain('plan(input_ids: int64[3, 6], attention_mask: int64[3, 6])');
  });
});
