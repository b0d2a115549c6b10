import { readFileSync } from 'node:fs';
import { InferenceSession, Tensor as OrtTensor } from 'onnxruntime-node';
import { describe, expect, it } from 'vitest';
import { operators } from '../../../lib/aten/index.ts';
import { decomposeCall } from '../../../lib/capture/decompositions/decompose.ts';
import { loadOnnx } from '../../../lib/capture/index.ts';
import { type GraphModule, Interpreter } from '../../../lib/graph/index.ts';
import { compile } from '../../../lib/runtime/index.ts';
import { Tensor } from '../../../lib/tensor/index.ts';
import { GraphBuilder } from '../../support/graph-builder.ts';
import { onnxModel } from '../../support/onnx-model.ts';

const { regions, runs } = JSON.parse(
  readFileSync(new URL('../../fixtures/aten/roi_align.json', import.meta.url), 'utf8'),
) as {
  readonly regions: readonly (readonly number[])[];
  readonly runs: readonly {
    readonly size: readonly [number, number];
    readonly scale: number;
    readonly samples: number;
    readonly aligned: boolean;
    readonly values: readonly number[];
  }[];
};

const shape = [2, 3, 7, 9];
const images = Tensor.from(
  'float32',
  Array.from({ length: 2 * 3 * 7 * 9 }, (_, i) => ((i * 7) % 11) - 5),
  shape,
);
const rois = Tensor.from('float32', regions.flat(), [regions.length, 5]);

/** Averages of a hundred products of numbers below 5, in float32; the file has six digits. */
const TOLERANCE = 1e-5;

function expectClose(actual: readonly unknown[], expected: readonly number[]): void {
  expect(actual).toHaveLength(expected.length);
  const errors = actual.map((value, i) => Math.abs(Number(value) - expected[i]));
  expect(Math.max(...errors)).toBeLessThan(TOLERANCE);
}

/** The parts of a call of torchvision's that is read as Octavo's: images, regions, and the image of each. */
function aligned(
  images: 'as they are' | 'channels innermost',
  [height, width]: readonly [number, number],
  ...[scale, samples, isAligned]: readonly [number, number, boolean]
): GraphModule {
  const b = new GraphBuilder();
  const x = b.input('x', shape);
  const given = b.input('rois', [regions.length, 5]);
  // A convolution that changes nothing but the order of memory.
  const unit = [0, 1, 2].flatMap((i) => [0, 1, 2].map((j) => Number(i === j)));
  const source =
    images === 'as they are'
      ? x
      : b.call('aten.conv2d.default', x, b.constant('unit', Tensor.from('float32', unit, [3, 3, 1, 1])));
  const call = b.call(
    'torchvision.roi_align.default',
    ...[source, given, scale, height, width, samples, isAligned],
  );
  decomposeCall(b.module, call);
  return b.finish(call);
}

describe('roi_align', () => {
  it.each(runs.map((run, i) => [i, run] as const))(
    'run %i of torchvision',
    (_, { size, scale, samples, aligned: isAligned, values }) => {
      const every = size[0] < 7 ? 1 : 7;
      for (const order of ['as they are', 'channels innermost'] as const) {
        const module = aligned(order, size, scale, samples, isAligned);
        using model = compile(module, { threadsPerStream: 2 });
        for (const [result] of [
          new Interpreter(module, operators).run([images, rois]),
          Object.values(model.runSync([images, rois])),
        ]) {
          expect(result.shape).toEqual([regions.length, 3, ...size]);
          expectClose(
            result.toArray().filter((__, i) => i % every === 0),
            values,
          );
        }
      }
    },
  );

  it('refuses an image that is not there, and regions that would take all time', () => {
    using model = compile(aligned('as they are', [2, 2], 1, 0, false));
    const broken = (at: number, value: number) =>
      Tensor.from(
        'float32',
        rois.toArray().map((each, i) => (i === at ? value : Number(each))),
        rois.shape,
      );
    expect(() => model.runSync([images, broken(5, 2)])).toThrow(/index 2|2 is out/);
    expect(() => model.runSync([images, broken(3, 1e9)])).toThrow(/bins of .* pixels, more than 1024/);
    expect(model.runSync([images, broken(3, Number.NaN)])).toBeDefined();
    expect(() => compile(aligned('as they are', [2, 2], 1, 2 ** 50, false))).toThrow(
      /samplesPerAxis is at most 1024/,
    );
    using wide = compile(aligned('as they are', [1, 2000], 1, 1, false));
    expect(() => wide.runSync([images, rois])).toThrow('2000 bins along an axis');
    expect(() => aligned('as they are', [-1, 2], 1, 1, false)).toThrow('height and width must be at least 1');
  });

  it.each<[number, Readonly<Record<string, string>>]>([
    [10, {}],
    [16, {}],
    [16, { coordinate_transformation_mode: 'output_half_pixel' }],
  ])("operator set %i of ONNX's, with %j: as ONNX Runtime", async (opset, attributes) => {
    const bytes = onnxModel({
      opset,
      inputs: { x: ['float32', shape], rois: ['float32', [8, 4]], images: ['int64', [8]] },
      outputs: ['y'],
      nodes: [
        {
          op: 'RoiAlign',
          inputs: ['x', 'rois', 'images'],
          outputs: ['y'],
          attributes: {
            ...attributes,
            output_height: 3,
            output_width: 2,
            sampling_ratio: 2,
            spatial_scale: { float: 0.75 },
          },
        },
      ],
    });
    const corners = Tensor.from(
      'float32',
      regions.flatMap((row) => row.slice(1)),
      [8, 4],
    );
    const numbers = Tensor.from(
      'int64',
      regions.map(([image]) => image),
    );
    const session = await InferenceSession.create(bytes, { logSeverityLevel: 3 });
    const { y } = await session.run({
      x: new OrtTensor('float32', images.data as Float32Array, shape),
      rois: new OrtTensor('float32', corners.data as Float32Array, [8, 4]),
      images: new OrtTensor('int64', numbers.data as BigInt64Array, [8]),
    });
    await session.release();
    const [result] = new Interpreter(await loadOnnx(bytes), operators).run([images, corners, numbers]);
    expect(result.shape).toEqual(y.dims);
    expectClose(result.toArray(), Array.from(y.data as Float32Array));
  });
});
