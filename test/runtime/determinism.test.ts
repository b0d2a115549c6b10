import { beforeAll, describe, expect, it } from 'vitest';
import { referenceModels } from '../../bench/models/index.ts';
import { exportModel } from '../../lib/capture/index.ts';
import type { GraphModule } from '../../lib/graph/index.ts';
import { lower } from '../../lib/lowering/index.ts';
import { LSTM, Module, manualSeed, type Value } from '../../lib/nn/index.ts';
import { convertStatic, quantizeDynamic } from '../../lib/recipes/index.ts';
import { type CompiledModel, type CompileOptions, compile } from '../../lib/runtime/index.ts';
import type { Tensor } from '../../lib/tensor/index.ts';
import { buildTransformer, transformerInput } from '../quantization/transformer.ts';
import { uniform } from '../support/graph-builder.ts';
import { captureModel, glyphBatch, quantizeModel } from '../support/pt2e-goldens.ts';

type Make = (options: CompileOptions) => CompiledModel | Promise<CompiledModel>;

/** What docs/determinism.md promises of a network, and an input of it. */
interface Case {
  readonly name: string;
  readonly input: Tensor;
  /** Makes the network ready to be compiled, any number of times. */
  prepare(): Promise<Make>;
}

const images = uniform([4, 3, 64, 64], -2, 2, 6);

function captured(name: string): GraphModule {
  manualSeed(0);
  const model = referenceModels[name]();
  model.eval();
  return exportModel(model, { x: images });
}

class States extends Module {
  readonly lstm = new LSTM(48, 40, { numLayers: 2, bidirectional: true, batchFirst: true });

  forward(x: Value): Value {
    return this.lstm.call(x)[0];
  }
}

const sequences = uniform([3, 17, 48], -1, 1, 8);

function recurrent(): GraphModule {
  manualSeed(0);
  return exportModel(new States(), { x: sequences });
}

const lowered =
  (module: GraphModule): Make =>
  (options) =>
    compile(lower(module).module, options);

const cases: readonly Case[] = [
  ...['resnet18', 'squeezenet1_1'].flatMap((name): Case[] => [
    { name: `${name} in float32`, input: images, prepare: async () => lowered(captured(name)) },
    {
      name: `${name} in int8`,
      input: images,
      prepare: async () => lowered(await convertStatic(captured(name), [images])),
    },
  ]),
  {
    name: 'glyph_mobilenet in int8',
    input: uniform([4, 3, 32, 32], -1, 1, 7),
    prepare: async () => lowered((await quantizeModel('glyph_mobilenet')).converted),
  },
  {
    name: 'an encoder in float32',
    input: transformerInput(1),
    prepare: async () => lowered(buildTransformer()),
  },
  {
    name: 'an encoder in int8, dynamically',
    input: transformerInput(1),
    prepare: async () => {
      const module = buildTransformer();
      return (options) => quantizeDynamic(module, options);
    },
  },
  { name: 'an LSTM in float32', input: sequences, prepare: async () => lowered(recurrent()) },
  {
    name: 'an LSTM in int8, dynamically',
    input: sequences,
    prepare: async () => {
      const module = recurrent();
      return (options) => quantizeDynamic(module, options);
    },
  },
];

const bytesOf = ({ data }: Tensor) => Buffer.from(data.buffer, data.byteOffset, data.byteLength);

const resultOf = async (model: CompiledModel, input: Tensor): Promise<Buffer> =>
  bytesOf(Object.values(await model.run(input))[0]);

/** Sums of up to 4,608 products in another order: a few units of 2^-24 in each of some 20 layers. */
function expectLastBits(...results: readonly [Buffer, Buffer]): void {
  const [a, b] = results.map((bytes) => new Float32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4));
  const largest = Math.max(...b.map(Math.abs));
  for (const [i, value] of a.entries()) expect(Math.abs(value - b[i])).toBeLessThan(1e-5 * largest);
}

describe.each(cases)('$name gives the same bits', ({ name, input, prepare }) => {
  let make: Make;
  beforeAll(async () => {
    make = await prepare();
  });

  it('in every run, on every stream, and when it is compiled again', async () => {
    using model = await make({ streams: 1, threadsPerStream: 1 });
    using streams = await make({ streams: 2, threadsPerStream: 1 });
    const first = await resultOf(model, input);
    expect(first.some((byte) => byte !== 0)).toBe(true);
    const others = Array.from({ length: 8 }, () =>
      [model, streams].map((each) => resultOf(each, input)),
    ).flat();
    for (const other of await Promise.all(others)) expect(other.equals(first)).toBe(true);
  });

  it('on one thread as on two, but for the last bits of float32', async () => {
    using one = await make({ streams: 1, threadsPerStream: 1 });
    using two = await make({ streams: 1, threadsPerStream: 2 });
    const [onOne, onTwo] = [await resultOf(one, input), await resultOf(two, input)];
    if (name.includes('float32')) expectLastBits(onTwo, onOne);
    else expect(onTwo.equals(onOne)).toBe(true);
  });
});

describe.each(['glyph_resnet', 'glyph_mobilenet'])('%s', (name) => {
  const rows = async (model: CompiledModel) => {
    const together = await resultOf(model, await glyphBatch('test.npz', 0, 32));
    const width = together.length / 32;
    const alone = await resultOf(model, await glyphBatch('test.npz', 5, 1));
    return { together: together.subarray(5 * width, 6 * width), alone };
  };

  it('in int8 gives an image the bits in a batch that it has alone', async () => {
    using model = compile(lower((await quantizeModel(name)).converted).module);
    const { together, alone } = await rows(model);
    expect(together.equals(alone)).toBe(true);
  });

  it('in float32 gives an image the numbers in a batch that it has alone, but for the last bits', async () => {
    using model = compile(lower(await captureModel(name)).module);
    const { together, alone } = await rows(model);
    expectLastBits(together, alone);
  });
});
