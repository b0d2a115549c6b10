import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readDataset } from '../../lib/data/index.ts';
import {
  type CompiledModel,
  compile,
  loadModel,
  loadNpz,
  loadOnnx,
  loadPt2,
  lower,
  SymInt,
} from '../../lib/index.ts';
import type { Fault, Kind } from '../kind.ts';
import { Random } from '../random.ts';
import { isUnclear } from '../unclear-errors.ts';
import { exercise } from './exercise.ts';
import { dataVariants, type FileProblem, type FileVariant, modelVariants } from './problem.ts';
import { changers } from './seeds.ts';

const variants: readonly FileVariant[] = [...modelVariants, ...dataVariants];

/** Models and data in damaged files: they load and run, or are refused in clear words, soon and in little memory. */
export async function files(): Promise<Kind<FileProblem>> {
  const folder = mkdtempSync(join(tmpdir(), 'octavo-fuzz-'));
  process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
  symlinkSync('/etc/passwd', join(folder, 'link'));
  symlinkSync('self', join(folder, 'self'));
  const changersOf = await changers(join(folder, 'saved.octavo'));
  return {
    draw(seed) {
      const random = new Random(seed);
      const variant = random.pick(variants);
      return { seed, variant, ...changersOf[variant](random) };
    },
    describe: ({ variant, value, what }) => `${variant}, ${value.length} bytes: ${what.slice(0, 1000)}`,
    judge: (problem) => judge(problem, folder),
  };
}

/** What a file of some KiB may cost until it is loaded, with room for a busy machine and for what the collector is late with. */
const mostSeconds = 5;
const mostMegabytes = 512;

async function judge({ variant, value, beside }: FileProblem, folder: string): Promise<Fault[]> {
  const path = join(folder, variant === 'npy' ? 'input_ids.npy' : 'file');
  write(path, value);
  if (beside) write(join(folder, 'data'), beside);
  const before = { cpu: process.cpuUsage(), resident: process.memoryUsage.rss(), peak: peakBytes() };
  const faults: Fault[] = [];
  try {
    using model = await open[variant](path);
    const peak = peakBytes();
    if (peak > before.peak && peak - before.resident > mostMegabytes * 2 ** 20)
      faults.push({
        fault: 'memory',
        detail: `${Math.round((peak - before.resident) / 2 ** 20)} MiB to load`,
      });
    if (model) await exercise(model);
  } catch (error) {
    if (isUnclear(error))
      faults.push({
        fault: 'unclear error',
        detail: error instanceof Error ? `${error.stack}` : String(error),
      });
  }
  const { user, system } = process.cpuUsage(before.cpu);
  const seconds = (user + system) / 1e6;
  if (seconds > mostSeconds)
    faults.push({ fault: 'slow', detail: `${seconds.toFixed(1)} s of processor time` });
  return faults;
}

/** Always a new file: file systems bring what replaces a file to the disk at once, which takes longer than all else. */
function write(path: string, bytes: Buffer): void {
  rmSync(path, { force: true });
  writeFileSync(path, bytes);
}

const peakBytes = () => 1024 * process.resourceUsage().maxRSS;

const options = { threadsPerStream: 1 } as const;
const pt2 = async (path: string) => compile(lower(await loadPt2(path)).module, options);
const onnx = async (path: string) => compile(lower(await loadOnnx(path)).module, options);
const octavo = (path: string) => loadModel(path, options);

/** Reads a file of each format; the model, where it is one. */
const open: Readonly<Record<FileVariant, (path: string) => Promise<CompiledModel | undefined>>> = {
  octavo,
  packed: octavo,
  pt2,
  rooted: pt2,
  raw: pt2,
  onnx,
  dynamic: onnx,
  qdq: onnx,
  qoperator: onnx,
  external: onnx,
  npz: (path) => loadNpz(path).then(() => undefined),
  npy: (path) => readData(path, ['input_ids']),
  safetensors: (path) => readData(path, ['input_ids', 'attention_mask']),
  lines: (path) => readData(path, ['input_ids', 'attention_mask']),
};

async function readData(path: string, names: readonly string[]): Promise<undefined> {
  const shape = [new SymInt(['n']), new SymInt(['length'])];
  const model = {
    inputs: names.map((name) => ({ name, dtype: 'int64', shape }) as const),
    rangeConstraints: new Map(),
  };
  for await (const { inputs } of await readDataset(path, { model })) void inputs;
}
