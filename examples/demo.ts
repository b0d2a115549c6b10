/**
 * The whole way of two trained networks: captured from PyTorch's .pt2 files, quantized to int8, lowered onto oneDNN, saved,
 * loaded again and measured against float32. Ends with an error when int8 is less accurate than it should be.
 */
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { markdownTable } from 'markdown-table';
import {
  type CompiledModel,
  calibrate,
  compile,
  convertPt2e,
  cpuFeatures,
  type GraphModule,
  getDefaultX86QuantizationConfig,
  loadModel,
  loadNpz,
  loadPt2,
  lower,
  preparePt2e,
  Tensor,
  X86Quantizer,
} from 'octavo';

/**
 * `pytorchInt8` is the top-1 accuracy of PyTorch 2.6 itself on the same 2,000 images: `prepare_pt2e` and `convert_pt2e` with
 * X86InductorQuantizer's default recipe, calibrated on the same batches.
 */
const networks = [
  { name: 'glyph_resnet', pytorchInt8: 0.9545 },
  { name: 'glyph_mobilenet', pytorchInt8: 0.9555 },
] as const;

/** Most that int8 may lose against float32, or differ from PyTorch's int8: half a percentage point. */
const tolerance = 0.005;
/** Networks this small gain nothing from a second thread; a service would run several requests at a time instead. */
const onOneThread = { threadsPerStream: 1 };
const calibrationBatch = 64;
const evaluationBatch = 250;
const latencyBatches = [1, 32] as const;

interface Images {
  readonly x: Tensor;
  readonly labels: readonly number[];
}

const models = fileURLToPath(new URL('../models/', import.meta.url));

async function loadImages(file: string): Promise<Images> {
  const arrays = await loadNpz(join(models, 'glyphs', file));
  return { x: arrays.get('x')!, labels: arrays.get('y')!.toArray() };
}

/** Images `start` to `end` as the networks were trained on them: `(u8 / 255 - 0.5) / 0.25`. */
function preprocess({ x }: Images, start: number, end: number): Tensor {
  const [, ...shape] = x.shape;
  const stride = shape.reduce((a, b) => a * b, 1);
  const pixels = x.data.subarray(start * stride, end * stride) as Uint8Array;
  return new Tensor(
    'float32',
    // Rounded to float32 as PyTorch rounds it, so that calibration finds PyTorch's own scales.
    Float32Array.from(pixels, (u8) => Math.fround(Math.fround(u8 / 255) - 0.5) / 0.25),
    [end - start, ...shape],
  );
}

function* batches(images: Images, size: number): Generator<Tensor> {
  const count = images.labels.length;
  for (let start = 0; start < count; start += size)
    yield preprocess(images, start, Math.min(start + size, count));
}

async function quantize(floatModel: GraphModule, calibration: Images): Promise<GraphModule> {
  const quantizer = new X86Quantizer().setGlobal(getDefaultX86QuantizationConfig());
  const prepared = preparePt2e(floatModel, quantizer);
  await calibrate(prepared, batches(calibration, calibrationBatch));
  return convertPt2e(prepared);
}

/** Fraction of the images whose largest logit is that of their class. */
async function top1(model: CompiledModel, images: Images): Promise<number> {
  let correct = 0;
  let done = 0;
  for (const x of batches(images, evaluationBatch)) {
    const [logits] = Object.values(await model.run(x));
    const [count, classes] = logits.shape;
    for (let i = 0; i < count; i++) {
      const scores = logits.data.subarray(i * classes, (i + 1) * classes) as Float32Array;
      if (scores.indexOf(Math.max(...scores)) === images.labels[done + i]) correct++;
    }
    done += count;
  }
  return correct / done;
}

/** Median latencies in milliseconds of models that take turns, so that whatever else the machine does hits all alike. */
async function latencies(models: readonly CompiledModel[], input: Tensor): Promise<number[]> {
  const times: number[][] = models.map(() => []);
  for (let turn = 0; turn < 20; turn++)
    for (const [i, model] of models.entries()) {
      await model.run(input); // brings the model's weights back into the cache
      for (let run = 0; run < 10; run++) {
        const start = performance.now();
        await model.run(input);
        times[i].push(performance.now() - start);
      }
    }
  return times.map((values) => values.sort((a, b) => a - b)[values.length / 2]);
}

interface Result {
  readonly name: string;
  readonly pytorchInt8: number;
  readonly top1: Pair;
  readonly bytes: Pair;
  /** Milliseconds, one pair for each of `latencyBatches`. */
  readonly latency: readonly Pair[];
}

interface Pair {
  readonly fp32: number;
  readonly int8: number;
}

async function demonstrate(
  { name, pytorchInt8 }: (typeof networks)[number],
  calibration: Images,
  test: Images,
  folder: string,
): Promise<Result> {
  const source = join(models, `${name}.pt2`);
  const captured = await loadPt2(source);
  using fp32 = compile(lower(captured).module, onOneThread);

  const converted = await quantize(captured, calibration);
  const artifact = join(folder, `${name}.octavo`);
  {
    using compiled = compile(lower(converted, { strict: true }).module);
    await compiled.save(artifact);
  }
  using int8 = await loadModel(artifact, onOneThread);

  const latency: Pair[] = [];
  for (const batch of latencyBatches) {
    const [a, b] = await latencies([fp32, int8], preprocess(test, 0, batch));
    latency.push({ fp32: a, int8: b });
  }
  return {
    name,
    pytorchInt8,
    top1: { fp32: await top1(fp32, test), int8: await top1(int8, test) },
    bytes: { fp32: (await stat(source)).size, int8: (await stat(artifact)).size },
    latency,
  };
}

const percent = (fraction: number) => `${(100 * fraction).toFixed(2)} %`;
const kilobytes = (bytes: number) => `${(bytes / 1000).toFixed(0)} kB`;
const milliseconds = (value: number) => `${value.toFixed(3)} ms`;
const ratio = (a: number, b: number) => `${(a / b).toFixed(2)}x`;

function table(results: readonly Result[]): string {
  const heading = ['', '', 'top-1', 'size', ...latencyBatches.map((batch) => `batch ${batch}`)];
  const rows = results.flatMap(({ name, pytorchInt8, top1, bytes, latency }) => [
    [
      name,
      'fp32',
      percent(top1.fp32),
      kilobytes(bytes.fp32),
      ...latency.map(({ fp32 }) => milliseconds(fp32)),
    ],
    ['', 'int8', percent(top1.int8), kilobytes(bytes.int8), ...latency.map(({ int8 }) => milliseconds(int8))],
    [
      '',
      'int8 over fp32',
      `${(100 * (top1.int8 - top1.fp32)).toFixed(2)} points`,
      `${ratio(bytes.fp32, bytes.int8)} smaller`,
      ...latency.map(({ fp32, int8 }) => `${ratio(fp32, int8)} as fast`),
    ],
    ['', "PyTorch's int8", percent(pytorchInt8), '', ...latency.map(() => '')],
  ]);
  return markdownTable([heading, ...rows], { align: ['l', 'l', 'r', 'r', ...latencyBatches.map(() => 'r')] });
}

/** What is wrong with a result; nothing, as it should be. */
function complaints({ name, pytorchInt8, top1 }: Result): string[] {
  const found: string[] = [];
  if (top1.fp32 - top1.int8 > tolerance)
    found.push(
      `${name}: int8 has ${percent(top1.int8)}, more than half a point below fp32's ${percent(top1.fp32)}`,
    );
  if (Math.abs(top1.int8 - pytorchInt8) > tolerance)
    found.push(
      `${name}: int8 has ${percent(top1.int8)}, more than half a point from PyTorch's ${percent(pytorchInt8)}`,
    );
  return found;
}

const { brand, cores, oneDnn } = cpuFeatures();
console.log(
  `${brand}, ${cores} cores; oneDNN ${oneDnn.version} (${oneDnn.isa}); Node ${process.version}; one thread`,
);
const [calibration, test] = [await loadImages('calib.npz'), await loadImages('test.npz')];
const folder = await mkdtemp(join(tmpdir(), 'octavo-demo-'));
const results: Result[] = [];
try {
  for (const network of networks) {
    console.log(
      `${network.name}: calibrating on ${calibration.labels.length} images, testing on ${test.labels.length}`,
    );
    results.push(await demonstrate(network, calibration, test, folder));
  }
} finally {
  await rm(folder, { recursive: true });
}
console.log(`\n${table(results)}`);
for (const complaint of results.flatMap(complaints)) {
  console.error(complaint);
  process.exitCode = 1;
}
