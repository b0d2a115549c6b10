import { compile, Graph, GraphModule, type Node, Tensor } from '../../lib/index.ts';
import type { Fault, Kind } from '../kind.ts';
import { Random } from '../random.ts';
import { drawPoolingProblem, type PoolingProblem } from './problem.ts';
import { exactPool } from './reference.ts';

/** Pooling of images against its definition in float64. */
export const pooling: Kind<PoolingProblem> = {
  draw: drawPoolingProblem,
  describe: (problem) => JSON.stringify(problem),
  judge,
};

async function judge(problem: PoolingProblem): Promise<Fault[]> {
  const x = imagesOf(problem);
  const exact = exactPool(problem, Float64Array.from(x.data as Float32Array));
  try {
    using model = compile(moduleOf(problem), { threadsPerStream: 1 + (problem.seed % 2) });
    const result = Object.values(await model.run(x))[0];
    const kernels = model
      .plan(problem.shape)
      .steps.map(({ implementation }) => implementation)
      .join(' ');
    const faults: Fault[] = [];
    if (/\bref\b/.test(kernels)) faults.push({ fault: 'reference kernel', detail: kernels });
    if (`${result.shape}` !== `${exact.shape}`)
      return [...faults, { fault: 'shape', detail: `[${result.shape}] instead of [${exact.shape}]` }];
    const wrong = exact.values.findIndex(
      (value, i) => !(Math.abs((result.data as Float32Array)[i] - value) <= bound(problem)),
    );
    if (wrong >= 0)
      faults.push({
        fault: 'wrong',
        detail: `at ${wrong} ${result.data[wrong]} instead of ${exact.values[wrong]}, ${kernels}`,
      });
    return faults;
  } catch (error) {
    return [{ fault: 'refused', detail: (error as Error).message }];
  }
}

/**
 * How far a result may be from the exact one. A maximum is one of the elements. An average of integers is rounded, to either
 * side where float32 cannot tell a tie; one of floats adds up at most 14 x 14 numbers below 2, each with an error of 2^-24.
 */
function bound({ variant, pool }: PoolingProblem): number {
  if (pool.operator === 'max') return 0;
  return variant === 'float32' ? 4e-5 : 0.5001;
}

function imagesOf({ seed, variant, shape }: PoolingProblem): Tensor {
  const random = new Random(~seed);
  const [low, high] = variant === 'uint8' ? [0, 255] : [-128, 127];
  const draw = variant === 'float32' ? () => random.uniform(-2, 2) : () => random.integer(low, high);
  return Tensor.from(variant, Array.from({ length: shape.reduce((a, b) => a * b) }, draw), shape);
}

function moduleOf({ variant, shape, pool }: PoolingProblem): GraphModule {
  const graph = new Graph();
  const x = graph.placeholder('x');
  x.meta.val = { dtype: variant, shape };
  graph.output(call(graph, x, pool));
  return new GraphModule(graph);
}

function call(graph: Graph, x: Node, pool: PoolingProblem['pool']): Node {
  if (pool.operator === 'adaptive average')
    return graph.callFunction('aten.adaptive_avg_pool2d.default', [x, pool.output]);
  const { kernel, stride, padding, ceilMode, countIncludePad } = pool;
  return pool.operator === 'max'
    ? graph.callFunction('aten.max_pool2d.default', [x, kernel, stride, padding, [1, 1], ceilMode])
    : graph.callFunction('aten.avg_pool2d.default', [x, kernel, stride, padding, ceilMode, countIncludePad]);
}
