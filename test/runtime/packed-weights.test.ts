import { mkdtemp, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadPt2 } from '../../lib/capture/index.ts';
import { whyNoFastBfloat16 } from '../../lib/cpu/fast-bfloat16.ts';
import { encodeSafetensors } from '../../lib/formats/safetensors.ts';
import { SymInt } from '../../lib/graph/index.ts';
import { lower } from '../../lib/lowering/index.ts';
import { cpuFeatures } from '../../lib/onednn/index.ts';
import { quantizeDynamic, quantizeStatic } from '../../lib/recipes/index.ts';
import { type CompiledModel, compile, loadModel } from '../../lib/runtime/index.ts';
import { numelOf, Tensor } from '../../lib/tensor/index.ts';
import { decodeSafetensors } from '../support/decode-safetensors.ts';
import { GraphBuilder, uniform } from '../support/graph-builder.ts';
import { convNet } from '../support/models.ts';
import { calibrationBatches } from '../support/pt2e-goldens.ts';

const pt2 = (path: string) => new URL(`../../${path}`, import.meta.url).pathname;
const batch = new SymInt(['s0']);
const autocast = { dtype: 'bfloat16' } as const;

async function quantized(name: string, reduceRange: boolean): Promise<CompiledModel> {
  return quantizeStatic(pt2(`models/${name}.pt2`), calibrationBatches(name), { reduceRange });
}

function weightOnly(): CompiledModel {
  const b = new GraphBuilder();
  const values = uniform([36, 40], -127, 127, 3).toArray().map(Math.round);
  const weight = b.constant('w', Tensor.from('int8', values, [36, 40]));
  const scales = b.constant('scales', Tensor.from('float32', [0.01]));
  const x = b.input('x', [batch, 40]);
  return compile(
    b.finish(b.call('octavo.weight_only_linear.default', x, weight, scales, null, 'none', [], '')),
  );
}

/** A layer of rows that are spread over the cache's sets. */
function wide(): CompiledModel {
  const b = new GraphBuilder();
  const x = b.input('x', [batch, 40]);
  return compile(b.finish(b.call('aten.linear.default', x, b.parameter('w', [512, 40]))));
}

/** Models whose weights are packed in every way there is on some CPU. */
const models: [string, () => Promise<CompiledModel>][] = [
  ['float32 in blocks of channels', async () => compile(convNet())],
  ['a float32 network', async () => compile(await loadPt2(pt2('models/glyph_resnet.pt2')))],
  ['an int8 network', () => quantized('tiny_cnn', false)],
  ['an int8 network of 7 bits', () => quantized('tiny_cnn', true)],
  ['an int8 network with depthwise layers', () => quantized('glyph_mobilenet', false)],
  ['dynamically quantized layers', () => quantizeDynamic(pt2('test/fixtures/quantization/encoder.pt2'))],
  ['layers whose weight alone is int8', async () => weightOnly()],
  ['a float32 layer of many columns', async () => wide()],
];
// Without kernels for it, weights are widened first, which every process does for itself.
if (whyNoFastBfloat16(cpuFeatures()) === undefined)
  models.push(['a network in bfloat16', async () => compile(lower(convNet(), { autocast }).module)]);

function inputOf(model: CompiledModel, size: number): Tensor {
  const [{ shape }] = model.inputs;
  return uniform(
    shape.map((extent) => (typeof extent === 'number' ? extent : size)),
    -1,
    1,
    size,
  );
}

async function results(model: CompiledModel, size: number): Promise<number[][]> {
  return Object.values(await model.run(inputOf(model, size))).map((tensor) => tensor.toArray());
}

const memoryOf = (model: CompiledModel, size: number) => model.plan(inputOf(model, size).shape).memory;

interface Form {
  tensor: string;
  of: string;
  key: string;
}

interface PackedRecord {
  packing: string;
  forms: Form[];
}

type Change = (record: PackedRecord, tensors: Map<string, Tensor>) => void;

const eachForm =
  (change: (form: Form, tensors: Map<string, Tensor>) => void): Change =>
  ({ forms }, tensors) => {
    for (const form of forms) change(form, tensors);
  };

/** Changes what a file says of packed weights, and its tensors. */
async function edit(path: string, change: Change): Promise<void> {
  const { tensors, metadata } = decodeSafetensors(await readFile(path), path);
  const copies = new Map([...tensors].map(([name, tensor]) => [name, tensor.clone()]));
  const record = JSON.parse(metadata.packed);
  change(record, copies);
  const packed = JSON.stringify(record);
  await writeFile(
    path,
    Buffer.concat(encodeSafetensors({ tensors: copies, metadata: { ...metadata, packed } })),
  );
}

/** Other bytes, which are numbers of the same kind. */
function scramble(tensor: Tensor | undefined): void {
  tensor!.bytes().reverse();
}

/** Forms that stand for the weight itself, not for a fact about it. */
const isWhole = ({ key }: Form) => /^(reordered|exact|narrow|depthwise|tiles)/.test(key);

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'octavo-packed-'));
});
afterAll(() => rm(folder, { recursive: true }));

/** A model saved with the weights that plans for 1 and 3 have packed, and the results of these and others. */
async function saved(make: () => Promise<CompiledModel>, name: string) {
  const path = join(folder, name);
  using model = await make();
  const expected = new Map<number, number[][]>();
  for (const size of [1, 3]) expected.set(size, await results(model, size));
  await model.save(path, { packedWeights: true });
  expected.set(2, await results(model, 2));
  return { path, expected };
}

describe.each(models)('%s', (title, make) => {
  const name = title.replaceAll(' ', '-');

  it('gives the same bits with the packed weights of its file, and packs none itself', async () => {
    const { path, expected } = await saved(make, name);
    using loaded = await loadModel(path);
    for (const size of [1, 3, 2]) expect(await results(loaded, size)).toEqual(expected.get(size));
    const { packedBytes, packedBytesFromFile } = memoryOf(loaded, 1);
    expect(packedBytes).toBeGreaterThan(0);
    expect(packedBytesFromFile).toBe(packedBytes);
  });

  it('does not look at the plain ones then, but does at the packed ones', async () => {
    const { path, expected } = await saved(make, name);
    await edit(path, ({ forms }, tensors) => {
      for (const plain of new Set(forms.filter(isWhole).map(({ of }) => of))) scramble(tensors.get(plain));
    });
    using intact = await loadModel(path);
    expect(await results(intact, 3)).toEqual(expected.get(3));
    await edit(path, ({ forms }, tensors) => {
      for (const { tensor } of forms.filter(isWhole)) scramble(tensors.get(tensor));
    });
    using damaged = await loadModel(path);
    expect(await results(damaged, 3)).not.toEqual(expected.get(3));
  });

  it('packs them itself where they were packed for something else', async () => {
    const { path, expected } = await saved(make, name);
    await edit(path, (record, tensors) => {
      record.packing = record.packing.replace(/oneDNN \d+/, 'oneDNN 1');
      for (const { tensor } of record.forms) scramble(tensors.get(tensor));
    });
    using loaded = await loadModel(path);
    expect(await results(loaded, 3)).toEqual(expected.get(3));
    expect(memoryOf(loaded, 3).packedBytesFromFile).toBe(0);
  });
});

describe('a file whose packed weights do not fit', () => {
  const make = () => quantized('tiny_cnn', false);
  it.each<[string, Change]>([
    [
      'another instruction set',
      (record) => {
        record.packing = record.packing.replace(' on ', ' on no ');
      },
    ],
    [
      'another packing of Octavo',
      (record) => {
        record.packing += '1';
      },
    ],
    [
      'no forms',
      (record) => {
        record.forms = [];
      },
    ],
    [
      'unknown keys',
      eachForm((form) => {
        form.key += '1';
      }),
    ],
    [
      'keys of one process',
      eachForm((form) => {
        form.key = 'reordered #0;#1;';
      }),
    ],
    [
      'too few bytes',
      eachForm(({ tensor }, tensors) => {
        tensors.set(tensor, Tensor.zeros('uint8', [7]));
      }),
    ],
    [
      'too many bytes',
      eachForm(({ tensor }, tensors) => {
        tensors.set(tensor, Tensor.zeros('float64', [9999]));
      }),
    ],
  ])('is read as one without them: %s', async (name, change) => {
    const { path, expected } = await saved(make, 'misfit');
    await edit(path, change);
    using loaded = await loadModel(path);
    for (const size of [1, 2]) expect(await results(loaded, size), name).toEqual(expected.get(size));
    expect(memoryOf(loaded, 1).packedBytesFromFile).toBe(0);
  });

  it('has sums that cannot saturate, whatever it says of its weights’ magnitude', async () => {
    const { path, expected } = await saved(make, 'magnitude');
    await edit(path, ({ forms }, tensors) => {
      for (const { tensor, key } of forms)
        if (key === 'largest magnitude') tensors.get(tensor)!.data.fill(0xff as never);
    });
    using loaded = await loadModel(path);
    expect(await results(loaded, 3)).toEqual(expected.get(3));
  });

  it.each<[string, Change, RegExp]>([
    [
      'a form that is not there',
      ({ forms }) => {
        forms[0].tensor = 'nowhere';
      },
      /is damaged: packed\.forms\[0\]\.tensor names 'nowhere', which the file does not hold/,
    ],
    [
      'a form of no weight',
      ({ forms }) => {
        forms[0].of = 'nothing';
      },
      /is damaged: packed\.forms\[0\]\.of names 'nothing', which the file does not hold/,
    ],
    [
      'forms that are no list',
      (record) => {
        record.forms = 1 as never;
      },
      /packed\.forms is not a list/,
    ],
    [
      'a key that is no text',
      ({ forms }) => {
        forms[0].key = 1 as never;
      },
      /\[0\]\.key is not a string/,
    ],
    [
      'no packing',
      (record) => {
        record.packing = null as never;
      },
      /packed\.packing is not a string/,
    ],
  ])('is refused when it has %s', async (_, change, message) => {
    const { path } = await saved(make, 'refused');
    await edit(path, change);
    await expect(loadModel(path)).rejects.toThrow(message);
  });

  it('is refused when it is cut off, and not trusted when that happens later', async () => {
    const { path } = await saved(make, 'cut');
    using loaded = await loadModel(path);
    await truncate(path, (await stat(path)).size - 1000);
    await expect(results(loaded, 1)).rejects.toThrow(/weights of .*cut cannot be read: the file/);
    await expect(loadModel(path)).rejects.toThrow(/cut is not a valid safetensors file: its tensors take/);
  });
});

describe('saving packed weights', () => {
  it('needs a plan', async () => {
    using model = compile(convNet());
    const path = join(folder, 'none');
    await expect(model.save(path, { packedWeights: true })).rejects.toThrow(/run the model, or warmup\(\)/);
    await expect(stat(path)).rejects.toThrow(/ENOENT/);
    await model.warmup([1, 3, 8, 8]);
    await model.save(path, { packedWeights: true });
  });

  it('of a loaded model stores those its own plans use, and none unless asked to', async () => {
    const { path } = await saved(async () => compile(convNet()), 'first');
    const [plain, packed] = [join(folder, 'plain'), join(folder, 'packed')];
    using loaded = await loadModel(path);
    await expect(loaded.save(packed, { packedWeights: true })).rejects.toThrow(/before there is a plan/);
    await loaded.save(plain);
    expect(decodeSafetensors(await readFile(plain), plain).metadata).not.toHaveProperty('packed');
    using original = compile(convNet());
    const fresh = join(folder, 'fresh');
    await original.save(fresh);
    expect(await readFile(plain)).toEqual(await readFile(fresh));
    const expected = await results(loaded, 1);
    await loaded.save(packed, { packedWeights: true });
    using again = await loadModel(packed);
    expect(await results(again, 1)).toEqual(expected);
    const { packedBytes, packedBytesFromFile } = memoryOf(again, 1);
    expect(packedBytesFromFile).toBe(packedBytes);
  });

  it('keeps away from names that the model has', async () => {
    const b = new GraphBuilder();
    const x = b.input('x', [batch, 40]);
    const first = b.call('aten.linear.default', x, b.parameter('w', [40, 40]), null);
    const taken = b.constant('w packed 0', uniform([40, 40], -1, 1, 9));
    using model = compile(b.finish(b.call('aten.linear.default', first, taken, null)));
    const path = join(folder, 'names');
    const expected = await results(model, 1);
    await model.save(path, { packedWeights: true });
    using loaded = await loadModel(path);
    expect(await results(loaded, 1)).toEqual(expected);
  });
});

describe('the first run of a loaded model', () => {
  /** Bytes that this process has read so far. */
  async function bytesRead(): Promise<number> {
    return Number(/rchar: (\d+)/.exec(await readFile('/proc/self/io', 'utf8'))![1]);
  }

  it('reads the packed weights and not the plain ones', async () => {
    const shape = [1024, 1024];
    const b = new GraphBuilder();
    const weight = b.constant('w', uniform(shape, -1, 1, 3));
    using model = compile(b.finish(b.call('aten.linear.default', b.input('x', [batch, 1024]), weight, null)));
    const path = join(folder, 'large');
    await results(model, 1);
    await model.save(path, { packedWeights: true });
    using loaded = await loadModel(path);
    const x = inputOf(loaded, 1);
    const before = await bytesRead();
    await loaded.run(x);
    const read = (await bytesRead()) - before;
    // Node and the test's runner read a little meanwhile.
    expect(read).toBeLessThan(1.2 * 4 * numelOf(shape));
  });
});
