import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadNpz, writeNpz } from '../../lib/formats/npz.ts';
import { Tensor } from '../../lib/tensor/index.ts';
import { octavo, octavoHere, octavoWith } from './octavo.ts';

const source = 'models/glyph_resnet.pt2';

/** The first images of a dataset: enough to see that a command works. */
async function excerpt(path: string, count: number): Promise<Uint8Array> {
  const arrays = await loadNpz(path);
  const [x, y] = [arrays.get('x')!, arrays.get('y')!];
  const [, ...shape] = x.shape;
  return writeNpz({
    x: new Tensor('uint8', x.data.subarray(0, count * (x.numel / x.shape[0])), [count, ...shape]),
    y: new Tensor('uint8', y.data.subarray(0, count), [count]),
  });
}

describe('octavo', () => {
  let folder: string;
  let calib: string;
  let data: string;
  let quantized: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'octavo-cli-'));
    [calib, data, quantized] = ['calib.npz', 'data.npz', 'glyph_resnet.octavo'].map((name) =>
      join(folder, name),
    );
    await writeFile(calib, await excerpt('models/glyphs/calib.npz', 96));
    await writeFile(data, await excerpt('models/glyphs/test.npz', 200));
    const { code, stdout } = octavo(
      'quantize',
      source,
      '--calib',
      calib,
      '--out',
      quantized,
      '--mean',
      '0.5',
      '--std',
      '0.25',
      '--json',
    );
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({
      model: source,
      out: quantized,
      calibrationExamples: 96,
      stayedInFloat: [],
    });
  }, 60_000);
  afterAll(() => rm(folder, { recursive: true }));

  it('quantize writes a file a quarter of the size', async () => {
    // The .pt2 holds the batch norms and an example input besides the weights.
    expect((await stat(quantized)).size).toBeLessThan(0.25 * (await stat(source)).size);
  });

  it('quantize tells what it did, and calibrates 7 bits when asked to', async () => {
    const reduced = join(folder, 'reduced.octavo');
    const { code, stdout, stderr } = octavo(
      'quantize',
      source,
      '--calib',
      calib,
      '--out',
      reduced,
      '--reduce-range',
    );
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toMatch(/^wrote .*reduced\.octavo \(\d+ kB, from 552 kB\), calibrated on 96 examples\n$/);
    expect((await octavoHere('print', reduced)).stdout).toContain('0, 127, torch.uint8');
    expect((await octavoHere('print', quantized)).stdout).toContain('0, 255, torch.uint8');
  });

  it('quantize --smooth-quant scales what the classifier reads', async () => {
    const smooth = join(folder, 'smooth.octavo');
    await octavoHere('quantize', source, '--calib', calib, '--out', smooth, '--smooth-quant', '0.5');
    expect((await octavoHere('print', smooth)).stdout).toContain('aten.mul.Tensor');
  });

  it('eval gives the same classes on a CPU without VNNI, where 8-bit sums would saturate', () => {
    const [here, avx2] = [{}, { ONEDNN_MAX_CPU_ISA: 'AVX2' }].map((environment) =>
      JSON.parse(octavoWith(environment, 'eval', quantized, '--data', data, '--json').stdout),
    );
    // Sums are exact integers on both; one image in 200 may lie at a tie.
    expect(Math.abs(avx2.top1 - here.top1)).toBeLessThanOrEqual(1 / 200);
  });

  it('quantize --tune measures each layer, and print shows what was chosen', async () => {
    const out = join(folder, 'tuned.octavo');
    const arguments_ = ['quantize', source, '--calib', calib, '--out', out, '--tune', '--json'];
    const { code, stdout } = await octavoHere(...arguments_);
    expect(code).toBe(0);
    const { layers } = JSON.parse(stdout).tuning;
    // Eleven convolutions and the classifier.
    expect(layers).toHaveLength(12);
    for (const stage of ['lowered', 'plan']) {
      const text = (await octavoHere('print', out, '--stage', stage)).stdout;
      for (const { node, choice } of layers)
        expect(text).toMatch(new RegExp(`^  ${node}: ${choice} \\(int8 .* ms, float .* ms\\)$`, 'm'));
    }
  });

  describe('--autocast bfloat16', () => {
    const cast = ['--autocast', 'bfloat16', '--force-autocast'];

    it('is refused where oneDNN has no bfloat16 products, unless it is forced', () => {
      const environment = { ONEDNN_MAX_CPU_ISA: 'AVX2' };
      const refused = octavoWith(environment, 'bench', source, '--autocast', 'bfloat16');
      expect(refused.code).toBe(1);
      expect(refused.stderr).toMatch(
        /autocast to bfloat16 would be slower than float32: .*; for a model that/,
      );
      const forced = octavoWith(
        environment,
        'bench',
        source,
        ...cast,
        '--runs',
        '3',
        '--batch',
        '1',
        '--json',
      );
      expect(JSON.parse(forced.stdout)).toMatchObject({ precision: 'bfloat16', results: [{ batch: 1 }] });
    });

    it('quantize writes it, and eval says so', async () => {
      const mixed = join(folder, 'mixed.octavo');
      const scale = ['--mean', '0.5', '--std', '0.25'];
      const written = await octavoHere(
        'quantize',
        source,
        '--calib',
        calib,
        '--out',
        mixed,
        ...scale,
        ...cast,
      );
      expect(written.code).toBe(0);
      const { stdout } = await octavoHere('eval', source, '--data', data, ...scale, ...cast, '--json');
      const { precision, top1 } = JSON.parse(stdout);
      expect(precision).toBe('bfloat16');
      expect(top1).toBeGreaterThan(0.9);
    });

    it('print shows the casts, and the plan what computes them', async () => {
      const lowered = await octavoHere('print', source, '--stage', 'lowered', ...cast);
      expect(lowered.stdout).toContain('torch.ops.aten.to.dtype](args = (%x, torch.bfloat16), kwargs = {})');
      const plan = await octavoHere('print', source, '--stage', 'plan', ...cast);
      expect(plan.stdout).toContain('bfloat16[1, 16, 32, 32]');
    });

    it.each([
      [
        ['print', source, '--force-autocast', '--stage', 'plan'],
        '--force-autocast needs --autocast bfloat16',
      ],
      [
        ['bench', 'FILE', ...cast],
        'is a compiled model; --autocast is for a .pt2 or .onnx file, or for octavo quantize',
      ],
      [
        ['print', 'FILE', ...cast],
        'is a compiled model; --autocast is for a .pt2 or .onnx file, or for octavo quantize',
      ],
      [['eval', source, '--data', 'x.npz', '--autocast', 'float16'], 'Allowed choices are bfloat16'],
    ])('%j says what is wrong', async (args, message) => {
      const { code, stderr } = await octavoHere(...args.map((arg) => (arg === 'FILE' ? quantized : arg)));
      expect(code).toBeGreaterThan(0);
      expect(stderr).toContain(message);
    });
  });

  it('eval knows the preprocessing that quantize was given', () => {
    const { code, stdout } = octavo('eval', quantized, '--data', data, '--json');
    expect(code).toBe(0);
    const result = JSON.parse(stdout);
    expect(result).toMatchObject({
      precision: 'int8',
      total: 200,
      preprocessing: { mean: [0.5], std: [0.25] },
    });
    // The network gets 95 % of all images right; inputs of another scale leave a fraction of that.
    expect(result.top1).toBeGreaterThan(0.9);
  });

  it('eval runs a .pt2 in float32', () => {
    const { code, stdout } = octavo('eval', source, '--data', data, '--mean', '0.5', '--std', '0.25');
    expect(code).toBe(0);
    expect(stdout).toMatch(
      /glyph_resnet\.pt2 \(float32\): top-1 9\d\.\d\d % \(\d+ of 200\), \d+ images\/s\n/,
    );
  });

  it('bench measures every batch size on every number of threads', () => {
    const { code, stdout } = octavo(
      'bench',
      quantized,
      '--batch',
      '1,3',
      '--threads',
      '1',
      '--runs',
      '5',
      '--json',
    );
    expect(code).toBe(0);
    const { precision, results } = JSON.parse(stdout);
    expect(precision).toBe('int8');
    expect(results).toMatchObject([
      { threads: 1, batch: 1 },
      { threads: 1, batch: 3 },
    ]);
    for (const { medianMs, p95Ms, imagesPerSecond, batch } of results) {
      expect(p95Ms).toBeGreaterThanOrEqual(medianMs);
      expect(imagesPerSecond).toBeCloseTo((1000 * batch) / medianMs, 3);
    }
  });

  it('bench writes a trace and prints the slowest steps', async () => {
    const trace = join(folder, 'trace.json');
    const args = ['bench', quantized, '--batch', '1,2', '--threads', '1', '--runs', '3', '--trace', trace];
    const { code, stdout } = await octavoHere(...args);
    expect(code).toBe(0);
    expect(stdout).toMatch(/slowest steps, batch 1, 1 thread:\n\n\| step .*\| +GOPS \|/);
    expect(stdout).toMatch(/\| conv2d_2 \+ add \+ relu_2 /);
    expect(stdout.trimEnd().split('\n').at(-1)).toBe(`wrote ${trace}`);
    const { traceEvents } = JSON.parse(await readFile(trace, 'utf8'));
    const names = traceEvents.flatMap((event: { ph: string; cat?: string; name: string; pid: number }) =>
      event.cat === 'run' ? [`${event.pid}: ${event.name}`] : [],
    );
    expect(names).toHaveLength(20);
    expect(new Set(names).size).toBe(20);
    expect((await readdir(folder)).filter((name) => name.includes('.tmp'))).toEqual([]);

    const json = JSON.parse((await octavoHere(...args, '--json')).stdout);
    expect(json.trace).toBe(trace);
    for (const { slowestSteps } of json.results) {
      const times = slowestSteps.map(({ microseconds }: { microseconds: number }) => microseconds);
      expect(times).toHaveLength(10);
      expect(times).toEqual(times.toSorted((a: number, b: number) => b - a));
      for (const { share, gops, multiplyAdds, gigabytesPerSecond } of slowestSteps) {
        expect(share).toBeGreaterThan(0);
        expect(share).toBeLessThan(1);
        expect(gigabytesPerSecond).toBeGreaterThan(0);
        expect(gops > 0).toBe(multiplyAdds > 0);
      }
    }
  });

  it('print reports where every operator of the captured graph went, from a saved model too', async () => {
    const { code, stdout } = await octavoHere('print', quantized, '--stage', 'lowered');
    expect(code).toBe(0);
    expect(stdout).toMatch(
      /^qconv2d_pointwise_binary\S* +onednn\.qconv2d_pointwise\.binary +uint8 +convolution \S+$/m,
    );
    expect(stdout).toMatch(/^ {4}add \(aten\.add\.Tensor\)$/m);
    expect(stdout).toMatch(/^ {2}fuse-addition +4$/m);
    const json = JSON.parse((await octavoHere('print', quantized, '--batch', '3', '--json')).stdout);
    expect(json).toMatchObject({
      file: quantized,
      stage: 'lowered',
      text: expect.stringContaining('changes by pass:'),
    });
    expect(json.report.inputs).toEqual([{ name: 'x', dtype: 'float32', shape: [3, 3, 32, 32] }]);
    const fromPt2 = await octavoHere('print', source, '--stage', 'lowered', '--calib', calib, '--json');
    const operators = (report: { nodes: { node: string }[] }) => report.nodes.map(({ node }) => node);
    expect(operators(json.report)).toEqual(operators(JSON.parse(fromPt2.stdout).report));
    expect(operators(json.report).filter((name) => name.startsWith('conv2d'))).toHaveLength(11);
  });

  it.each([
    ['captured', [], 'torch.ops.aten.batch_norm.default'],
    ['prepared', [], 'call_module[target=activation_post_process_0]'],
    ['converted', ['--calib'], 'torch.ops.quantized_decomposed.dequantize_per_channel.default'],
    ['lowered', ['--calib'], 'torch.ops.onednn.qconv2d_pointwise.binary'],
    ['plan', ['--calib', '--batch', '5'], 'uint8[5, 16, 32, 32]'],
    ['plan', [], 'float32[1, 16, 32, 32]'],
  ])('print shows the stage %s %j', async (stage, options, text) => {
    const given = options.flatMap((option) => (option === '--calib' ? [option, calib] : [option]));
    const { code, stdout } = await octavoHere('print', source, '--stage', stage, ...given);
    expect(code).toBe(0);
    expect(stdout).toContain(text);
  });

  it('print shows a quantized file as lowered graph, or as plan', async () => {
    expect((await octavoHere('print', quantized)).stdout).toContain(
      'torch.ops.onednn.qlinear_pointwise.default',
    );
    expect((await octavoHere('print', quantized, '--stage', 'plan')).stdout).toMatch(
      /^plan\(x: float32\[1, 3, 32, 32\]\)/,
    );
  });

  it.each([
    [['quantize', source], 2, "required option '--calib <path>' not specified"],
    [['bench', source, '--batch', '0'], 2, 'It must be a whole number above 0.'],
    [['eval', source, '--data', 'x.npz', '--std', '0'], 2, 'It must not be 0'],
    [['print', source, '--stage', 'compiled'], 2, 'Allowed choices are captured, prepared'],
    [
      ['eval', 'nowhere.pt2', '--data', 'models/glyphs/test.npz'],
      1,
      "octavo: nowhere.pt2 could not be opened: ENOENT: no such file or directory, open 'nowhere.pt2'",
    ],
    [['eval', source, '--data', 'x.npz', '--scale', '1,2'], 2, 'It must be one number, not 0.'],
    [['bench', 'models'], 1, 'models is not a file'],
    [
      ['bench', 'models/README.md'],
      1,
      'models/README.md is neither a .pt2 or .onnx file nor a model saved by Octavo',
    ],
    [['print', source, '--stage', 'converted'], 2, '--stage converted needs calibration data'],
    [['eval', source, '--data', 'models/tiny_cnn.pt2'], 1, 'models/tiny_cnn.pt2'],
    [
      ['quantize', source, '--calib', 'models/glyphs/calib.npz', '--out', 'x', '--mean', '1,2'],
      1,
      'preprocessing.mean has 2 values, but the images have 3 channels',
    ],
  ])('%j ends with code %i and says what is wrong', async (args, code, message) => {
    const finished = await octavoHere(...args);
    expect(finished.stderr).toContain(message);
    expect(finished.code).toBe(code);
    expect(finished.stdout).toBe('');
  });

  it('errors are JSON with --json', () => {
    const { code, stderr } = octavo('bench', 'models/README.md', '--json');
    expect(code).toBe(1);
    expect(JSON.parse(stderr).error).toContain('neither a .pt2 or .onnx file');
  });

  it.each([
    [['info', '--bogus', '--json'], "unknown option '--bogus'"],
    [['--json', 'nothing'], "unknown command 'nothing'"],
    [['quantize', '--json'], "required option '--calib <path>' not specified"],
    [['--json'], 'a command is missing'],
  ])('%j is called the wrong way, which is JSON too', async (args, message) => {
    const { code, stdout, stderr } = await octavoHere(...args);
    expect(code).toBe(2);
    expect(stdout).toBe('');
    expect(JSON.parse(stderr).error).toContain(message);
  });
});
