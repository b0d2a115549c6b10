import { expect, it } from 'vitest';
import { compile, exportModel } from '../../lib/index.ts';
import * as nn from '../../lib/nn/index.ts';

// oneDNN's products divided by 0, which ended the process.
it.each([
  ['a linear layer', new nn.Linear(16, 10), [2 ** 32, 16]],
  ['a linear layer on rows that are one extent to it', new nn.Linear(16, 10), [2 ** 16, 2 ** 16, 16]],
  ['a convolution', new nn.Conv2d(3, 4, 3), [2 ** 32, 3, 8, 8]],
  ['average pooling', new nn.AvgPool2d(2), [2 ** 32, 3, 8, 8]],
])('%s is refused what oneDNN cannot count', (_, layer, shape) => {
  const module = exportModel(layer.eval(), { x: { dtype: 'float32', shape } });
  expect(() => compile(module, { threadsPerStream: 1 })).toThrow(
    /has an extent of more than 2147483647, and oneDNN counts in 32 bits$/,
  );
});
