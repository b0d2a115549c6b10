// Depthwise layers of bytes without a zero point, with an addend. Prints those that are wrong.
import { Tensor } from '../../lib/tensor/index.ts';
import { convolutionSums, finish, firstMismatch } from '../support/reference.ts';
import { channelsLast, runStep, seededIntegers, seededTensor } from '../support/steps.ts';

const scale = 0.0003;
const wrong: string[] = [];
for (const channels of [8, 13, 40])
  for (const [kernel, padding] of [
    [
      [1, 7],
      [0, 3],
    ],
    [
      [5, 5],
      [2, 2],
    ],
  ])
    for (const unary of ['relu', 'hardsigmoid']) {
      const window = { stride: [1, 1], padding, dilation: [1, 1], groups: channels };
      const x = seededTensor('uint8', [1, channels, 3, 33], channels);
      const weights = seededIntegers(channels * kernel[0] * kernel[1], -20, 20, 7);
      const weight = Tensor.from('int8', weights, [channels, 1, ...kernel]);
      const { sums, shape } = convolutionSums({
        ...window,
        paddingEnd: padding,
        x: x.data as Uint8Array,
        xShape: x.shape,
        xZeroPoint: 0,
        weight: weights,
        weightShape: weight.shape,
      });
      for (const dtype of ['float32', 'uint8'] as const) {
        const addend = seededTensor(dtype, shape, 11);
        const [addScale, addZeroPoint] = dtype === 'uint8' ? [0.05, 100] : [1, 0];
        const added = (i: number) => ((addend.data as Uint8Array)[i] - addZeroPoint) * addScale;
        const exact = finish(sums, () => 0, [Math.fround(scale)], undefined, added, unary);
        const [outputScale, outputZeroPoint] = dtype === 'uint8' ? [0.03, 3] : [1, 0];
        const { results, implementation } = runStep(
          {
            op: 'convolution',
            attributes: {
              ...{ ...window, xScale: 1, xZeroPoint: 0, weightScales: [scale], unary },
              ...{ binary: 'sum', addScale, addZeroPoint },
              ...(dtype === 'uint8' ? { outputScale, outputZeroPoint } : {}),
            },
          },
          [x, weight, addend],
          [{ dtype, shape }],
          channelsLast,
        );
        const mismatch = firstMismatch(results[0], exact, outputScale, outputZeroPoint);
        if (mismatch) wrong.push(`${channels} channels, ${kernel}, ${unary}: ${mismatch}, ${implementation}`);
      }
    }
console.log(JSON.stringify(wrong));
