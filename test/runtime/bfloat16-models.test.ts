import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  afterAll,
  afterEach,
  beforeAll,
  beforeEach,
  describe,
  expect,
  it,
  type MockInstance,
  vi,
} from 'vitest';
import { lower } from '../../lib/lowering/index.ts';
import { addon } from '../../lib/native/addon.ts';
import { compile, loadModel } from '../../lib/runtime/index.ts';
import { uniform } from '../support/graph-builder.ts';
import { convNet } from '../support/models.ts';

const autocast = { dtype: 'bfloat16', force: true } as const;
const x = uniform([3, 3, 8, 8], -1, 1, 5);

describe('a model lowered to bfloat16', () => {
  let folder: string;
  let path: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'octavo-'));
    path = join(folder, 'narrow');
    using model = compile(lower(convNet(), { autocast }).module);
    await model.save(path);
  });
  afterAll(() => rm(folder, { recursive: true }));
  let warn: MockInstance<typeof process.emitWarning>;
  beforeEach(() => {
    warn = vi.spyOn(process, 'emitWarning').mockImplementation(() => {});
  });
  afterEach(() => vi.restoreAllMocks());

  it('takes and gives float32', () => {
    using model = compile(lower(convNet(), { autocast }).module);
    expect([...model.inputs, ...model.outputs].map(({ dtype }) => dtype)).toEqual(['float32', 'float32']);
  });

  it('gives the same results when loaded, for every batch size', async () => {
    using original = compile(lower(convNet(), { autocast }).module);
    using loaded = await loadModel(path);
    for (const input of [x, uniform([1, 3, 8, 8], -1, 1, 6)]) {
      const [expected, actual] = [original.runSync(input), await loaded.run(input)];
      expect(actual).toEqual(expected);
    }
  });

  it('takes less than two thirds of the space of its float32 twin', async () => {
    const wide = join(folder, 'wide');
    using model = compile(lower(convNet()).module);
    await model.save(wide);
    const header = (file: Buffer) => Number(file.readBigUInt64LE(0));
    const [narrow, full] = await Promise.all([path, wide].map((each) => readFile(each)));
    const tensors = (file: Buffer) => file.length - 8 - header(file);
    expect(tensors(narrow)).toBeLessThan((2 / 3) * tensors(full));
  });

  it('runs on a CPU without bfloat16, and a warning says that this is slow', async () => {
    vi.spyOn(addon, 'rawCpu').mockReturnValue({ cpuid: [], xcr0: 0, permittedStates: 0 });
    using loaded = await loadModel(path);
    expect(warn).toHaveBeenCalledExactlyOnceWith(
      `${path} computes in bfloat16, but this CPU has neither AVX512_BF16 nor AMX-BF16 instructions: products are ` +
        'computed in float32 and rounded, which takes longer than float32 alone. Lower the model without autocast for this CPU.',
      'OctavoWarning',
    );
    using wide = compile(convNet());
    const [narrow, exact] = [loaded, wide].map((model) => Object.values(model.runSync(x))[0].toArray());
    // Sums of 72 products of values up to 4, each factor rounded to 8 binary digits.
    exact.forEach((value, i) => {
      expect(Math.abs(narrow[i] - value)).toBeLessThan(0.1);
    });
  });

  it('of float32 gives no warning', async () => {
    vi.spyOn(addon, 'rawCpu').mockReturnValue({ cpuid: [], xcr0: 0, permittedStates: 0 });
    const plain = join(folder, 'plain');
    using model = compile(lower(convNet()).module);
    await model.save(plain);
    using loaded = await loadModel(plain);
    expect(loaded.outputs).toHaveLength(1);
    expect(warn).not.toHaveBeenCalled();
  });
});
