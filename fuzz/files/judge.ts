import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  type CompiledModel,
  compile,
  loadModel,
  loadNpz,
  loadPt2,
  lower,
  quantizeStatic,
  SymInt,
  Tensor,
  writeNpz,
} from '../../lib/index.ts';
import type { Fault, Kind } from '../kind.ts';
import { Random } from '../random.ts';
import { isUnclear } from '../unclear-errors.ts';
import { npzChanger } from './npz.ts';
import { changeOctavoFile } from './octavo-file.ts';
import type { Change, FileProblem } from './problem.ts';
import { pt2Changer } from './pt2.ts';
import { unzip, zip } from './zip.ts';

/** Models and arrays in damaged files: they load and run, or are refused in clear words. */
export async function files(): Promise<Kind<FileProblem>> {
  // Models are loaded from files only.
  const path = join(tmpdir(), `octavo-fuzz-${process.pid}.octavo`);
  process.on('exit', () => rmSync(path, { force: true }));
  const changers = await changersOf(path);
  const variants = Object.keys(changers) as FileProblem['variant'][];
  return {
    draw(seed) {
      const random = new Random(seed);
      const variant = random.pick(variants);
      const { what, value } = changers[variant](random);
      return { seed, variant, bytes: value, change: what };
    },
    describe: ({ variant, bytes, change }) => `${variant}, ${bytes.length} bytes: ${change}`,
    judge: (problem) => judge(problem, path),
  };
}

type Changers = Readonly<Record<FileProblem['variant'], (random: Random) => Change<Buffer>>>;

/** Small honest files, made where they are needed, and what damages them. */
async function changersOf(path: string): Promise<Changers> {
  const read = (path: string) => readFileSync(new URL(path, import.meta.url));
  const pt2 = read('../../models/tiny_cnn.pt2');
  const module = await loadPt2(pt2);
  using model = await quantizeStatic(module, [exampleInput([8, 3, 32, 32])], { threadsPerStream: 1 });
  const saved = async (packedWeights: boolean) => {
    await model.save(path, { packedWeights });
    return readFileSync(path);
  };
  await model.run(exampleInput([2, 3, 32, 32]));
  const [octavo, packed] = [await saved(false), await saved(true)];
  const x = Tensor.from(
    'uint8',
    Array.from({ length: 48 }, (_, i) => i),
    [2, 3, 8],
  );
  const npz = await writeNpz({ x, y: Tensor.from('int64', [1, -2]), z: Tensor.scalar('float32', 0.5) });
  return {
    octavo: (random) => changeOctavoFile(random, octavo),
    packed: (random) => changeOctavoFile(random, packed),
    pt2: await pt2Changer(pt2),
    rooted: await pt2Changer(await inRoot(pt2)),
    raw: await pt2Changer(read('../../test/fixtures/cases/pytorch_2.14/qdq_add_conv_avgpool.pt2')),
    npz: await npzChanger(npz),
  };
}

/** Where PyTorch 2.8 has what is at the top of an archive of 2.6. */
const moved: Readonly<Record<string, string>> = {
  'serialized_exported_program.json': 'models/model.json',
  'serialized_state_dict.pt': 'data/weights/model.pt',
  'serialized_constants.pt': 'data/constants/model.pt',
  'serialized_example_inputs.pt': 'data/sample_inputs/model.pt',
};

async function inRoot(flat: Uint8Array): Promise<Buffer> {
  const entries = await unzip(flat);
  const within = entries.flatMap(({ name, data }) =>
    moved[name] === undefined ? [] : [{ name: `tiny/${moved[name]}`, data }],
  );
  return zip([...within, { name: 'tiny/archive_format', data: Buffer.from('pt2') }]);
}

async function judge({ variant, bytes }: FileProblem, path: string): Promise<Fault[]> {
  try {
    if (variant === 'npz') await loadNpz(bytes);
    else if (variant === 'pt2' || variant === 'rooted' || variant === 'raw') {
      using model = compile(lower(await loadPt2(bytes)).module, { threadsPerStream: 1 });
      await exercise(model);
    } else {
      writeFileSync(path, bytes);
      using model = await loadModel(path, { threadsPerStream: 1 });
      await exercise(model);
    }
    return [];
  } catch (error) {
    if (!isUnclear(error)) return [];
    return [{ fault: 'unclear error', detail: error instanceof Error ? `${error.stack}` : String(error) }];
  }
}

/** So that what a file asks for does not take longer than the problem is worth. */
const mostElements = 2 ** 22;

/** Runs a model with two for every size that a request chooses, as far as its inputs are of a size that a caller might have. */
async function exercise(model: CompiledModel): Promise<void> {
  const inputs: Tensor[] = [];
  for (const { dtype, shape } of model.inputs) {
    const sizes = shape.map((size) => (size instanceof SymInt ? 2 : size));
    if (!(sizes.reduce((a, b) => a * b, 1) <= mostElements)) return;
    inputs.push(exampleInput(sizes, dtype));
  }
  await model.run(inputs);
  void model.report;
}

function exampleInput(shape: readonly number[], dtype: Tensor['dtype'] = 'float32'): Tensor {
  const tensor = Tensor.zeros(dtype, shape);
  const { data } = tensor;
  if (data instanceof BigInt64Array) for (let i = 0; i < data.length; i++) data[i] = BigInt(i % 7);
  else for (let i = 0; i < data.length; i++) data[i] = dtype === 'float32' ? 2 * Math.sin(0.37 * i) : i % 7;
  return tensor;
}
