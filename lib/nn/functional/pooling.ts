import { callOperator, type Value } from '../dispatcher.ts';
import { type Pair, pair, trimDefaults } from './arguments.ts';

/** Geometry of a pooling window. */
export interface PoolOptions {
  /** By default the window's size. */
  readonly stride?: Pair;
  readonly padding?: Pair;
  /** Whether windows that extend beyond the edge count. */
  readonly ceilMode?: boolean;
}

/** The maximum of each window of x [n, c, h, w]. */
export function maxPool2d(
  x: Value,
  kernel: Pair,
  options: PoolOptions & { readonly dilation?: Pair } = {},
): Value {
  const { stride = kernel, padding = 0, dilation = 1, ceilMode = false } = options;
  return callOperator({
    target: 'aten.max_pool2d.default',
    args: trimDefaults(
      [x, pair(kernel), pair(stride), pair(padding), pair(dilation), ceilMode],
      [[0, 0], [1, 1], false],
    ),
    source: 'torch.nn.functional.max_pool2d',
  });
}

/** The mean of each window of x [n, c, h, w]. */
export function avgPool2d(
  x: Value,
  kernel: Pair,
  options: PoolOptions & { readonly countIncludePad?: boolean } = {},
): Value {
  const { stride = kernel, padding = 0, ceilMode = false, countIncludePad = true } = options;
  return callOperator({
    target: 'aten.avg_pool2d.default',
    args: trimDefaults(
      [x, pair(kernel), pair(stride), pair(padding), ceilMode, countIncludePad],
      [[0, 0], false, true],
    ),
    source: 'torch._C._nn.avg_pool2d',
  });
}

/** Means over windows chosen to produce `outputSize`. */
export function adaptiveAvgPool2d(x: Value, outputSize: Pair): Value {
  return callOperator({
    target: 'aten.adaptive_avg_pool2d.default',
    args: [x, pair(outputSize)],
    source: 'torch.nn.functional.adaptive_avg_pool2d',
  });
}
