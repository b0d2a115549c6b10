import { describe, expect, it } from 'vitest';
import { compile, cpuFeatures, exportModel } from '../../lib/index.ts';
import * as nn from '../../lib/nn/index.ts';
import type { Tensor } from '../../lib/tensor/index.ts';
import { convolutionSums } from '../support/reference.ts';
import { channelsLast, type Layout, runStep, seededTensor } from '../support/steps.ts';

interface Problem {
  readonly name: string;
  readonly x: Tensor;
  readonly weight: Tensor;
  readonly zeroPoint?: number;
  readonly stride: number;
  readonly padding: number;
  readonly paddingEnd: number;
  readonly dilation: number;
  readonly groups: number;
}

/** Longer than what is computed at once, and no multiple of a piece. */
const length = 140_001;
const plain = { stride: 1, padding: 0, paddingEnd: 0, dilation: 1, groups: 1 };

const problems: readonly Problem[] = [
  {
    name: 'float32, two images',
    ...plain,
    x: seededTensor('float32', [2, 2, length]),
    weight: seededTensor('float32', [3, 2, 3], 2),
  },
  {
    name: 'float32, padded, dilated, in groups',
    x: seededTensor('float32', [1, 4, length]),
    weight: seededTensor('float32', [4, 2, 3], 3),
    ...{ stride: 1, padding: 5, paddingEnd: 2, dilation: 4, groups: 2 },
  },
  {
    name: 'uint8 with a zero point, strided',
    x: seededTensor('uint8', [1, 2, 2 * length]),
    weight: seededTensor('int8', [2, 2, 2], 4),
    zeroPoint: 13,
    ...{ stride: 2, padding: 1, paddingEnd: 1, dilation: 1, groups: 1 },
  },
];

/** The exact results; all of them are multiples of 1/256 that float32 holds. */
function exact({ x, weight, zeroPoint = 0, groups, ...window }: Problem, addend: Tensor): Float32Array {
  const image = ([n, c, l]: readonly number[]) => [n, c, 1, l];
  const row = (value: number, otherwise: number) => [otherwise, value];
  const { sums } = convolutionSums({
    x: x.data as Float32Array,
    xShape: image(x.shape),
    xZeroPoint: zeroPoint,
    weight: weight.data as Float32Array,
    weightShape: image(weight.shape),
    stride: row(window.stride, 1),
    padding: row(window.padding, 0),
    paddingEnd: row(window.paddingEnd, 0),
    dilation: row(window.dilation, 1),
    groups,
  });
  return Float32Array.from(sums, (sum, i) => Math.max(sum + (addend.data as Float32Array)[i], 0));
}

/** Without it, 8-bit layers have a kernel of Octavo's own, which knows no limit. */
const hasVnni = !['sse41', 'avx', 'avx2', 'avx512_core'].includes(cpuFeatures().oneDnn.isa);

describe('convolutions of long rows', () => {
  it.each(
    problems.flatMap((problem) => [
      { ...problem, layout: channelsLast as Layout },
      { ...problem, layout: undefined },
    ]),
  )('$name, $layout.name', ({ layout, ...problem }) => {
    const { x, weight, stride, padding, paddingEnd, dilation, groups, zeroPoint } = problem;
    const span = (weight.shape[2] - 1) * dilation + 1;
    const columns = Math.floor((x.shape[2] + padding + paddingEnd - span) / stride) + 1;
    const shape = [x.shape[0], weight.shape[0], columns];
    const addend = seededTensor('float32', shape, 5);
    const { results, implementation } = runStep(
      {
        op: 'convolution',
        attributes: {
          ...{ stride: [stride], padding: [padding], paddingEnd: [paddingEnd], dilation: [dilation], groups },
          ...(zeroPoint === undefined ? {} : { xScale: 1, xZeroPoint: zeroPoint, weightScales: [1] }),
          ...{ binary: 'sum', addScale: 1, addZeroPoint: 0, unary: 'relu' },
        },
      },
      [x, weight, addend],
      [{ dtype: 'float32', shape }],
      layout,
    );
    expect(implementation).toContain(zeroPoint !== undefined && !hasVnni ? 'octavo:exact' : 'octavo:pieces');
    const wanted = exact(problem, addend);
    // Compared at once: a million elements are many for toEqual.
    expect(wanted.findIndex((value, i) => value !== results[0].data[i])).toBe(-1);
  });

  it('are compiled in little memory, however long they are', () => {
    const shape = [1, 16, 2 ** 22];
    const module = exportModel(new nn.Conv1d(16, 16, 3, { padding: 1 }).eval(), {
      x: { dtype: 'float32', shape },
    });
    const before = process.resourceUsage().maxRSS;
    using model = compile(module, { threadsPerStream: 1 });
    expect(model.outputs[0].shape).toEqual(shape);
    // oneDNN's own row of this length took 3 GiB.
    expect(process.resourceUsage().maxRSS - before).toBeLessThan(128 * 1024);
  });

  it('are refused to kernels that span too much of them', () => {
    const window = { padding: [2 ** 24], stride: [1], dilation: [2 ** 24], groups: 1 };
    const x = seededTensor('float32', [1, 1, 7]);
    const call = () =>
      runStep(
        { op: 'convolution', attributes: window },
        [x, seededTensor('float32', [1, 1, 3])],
        [{ dtype: 'float32', shape: [1, 1, 7] }],
      );
    expect(call).toThrow('the kernel spans 33554433 columns; at most 1048576 are computed');
  });
});
