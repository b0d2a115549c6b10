import { Graph, GraphModule } from '../graph/index.ts';
import { lower } from '../lowering/index.ts';
import { convertStatic } from '../recipes/index.ts';
import { compile, ratesOf, type StepProfile } from '../runtime/index.ts';
import { numelOf, Tensor } from '../tensor/index.ts';
import type { MemoryRate, ProductType, Roofline, StepFacts } from './facts.ts';
import { timesOf } from './times.ts';

/** Sides of the square products; which one a CPU is fastest at depends on its caches. */
const sides = [1024, 2048];

/** Bytes of a float32 tensor that a step reads: what a core's own cache holds, what a shared one does, and more than most do. */
const streamed = [2 ** 17, 2 ** 21, 2 ** 27];

/** What the products of a step are computed in; undefined for a step without products. */
export function productTypeOf({ inputDtype, multiplyAdds }: StepProfile): ProductType | undefined {
  if (multiplyAdds === 0) return undefined;
  if (inputDtype === 'uint8' || inputDtype === 'int8') return 'int8';
  return inputDtype === 'bfloat16' ? 'bfloat16' : 'float32';
}

/** Measures what this machine can do at most, in the ways that the steps need it. */
export async function measureRoofline(steps: readonly StepProfile[], threads: number): Promise<Roofline> {
  const types = new Set(steps.flatMap((step) => productTypeOf(step) ?? []));
  const gops: Partial<Record<ProductType, number>> = {};
  for (const type of types) gops[type] = await bestProduct(type, threads);
  return { gops, memory: streamed.map((bytes) => memoryRate(bytes, threads)) };
}

/** The least time that a step needs by the roofline, and how near it comes to that. */
export function boundOf(step: StepProfile, roofline: Roofline): Pick<StepFacts, 'bound' | 'efficiency'> {
  const type = productTypeOf(step);
  const computing = type === undefined ? 0 : (2 * step.multiplyAdds) / roofline.gops[type]!;
  const { gigabytesPerSecond } =
    roofline.memory.find(({ bytes }) => step.bytes <= bytes) ?? roofline.memory.at(-1)!;
  const moving = step.bytes / gigabytesPerSecond;
  const nanoseconds = Math.max(computing, moving);
  return {
    bound: { nanoseconds, by: computing > moving ? 'compute' : 'memory' },
    // A step that ends before the clock ticks has lasted less than a nanosecond.
    efficiency: nanoseconds / Math.max(1, step.nanoseconds),
  };
}

async function bestProduct(type: ProductType, threads: number): Promise<number> {
  let best = 0;
  for (const side of sides) {
    const input = ramp([side, side]);
    using model = compile(await twoProducts(type, side, input), { threadsPerStream: threads });
    for (const step of timesOf(model, { x: input }).steps)
      if (productTypeOf(step) === type) best = Math.max(best, ratesOf(step, step.nanoseconds).gops);
  }
  return best;
}

/** Two linear layers: quantized, the first returns int8, as layers inside a network do. */
async function twoProducts(type: ProductType, side: number, input: Tensor): Promise<GraphModule> {
  const module = withInput(input);
  const { graph } = module;
  let value = graph.nodes[0];
  for (const weight of ['first', 'second']) {
    module.attributes.set(weight, ramp([side, side]));
    value = graph.callFunction('aten.linear.default', [value, graph.getAttr(weight)]);
    value.meta = { val: { dtype: 'float32', shape: [side, side] } };
  }
  graph.output([value]);
  if (type === 'int8') return lower(await convertStatic(module, [input]), { strict: true }).module;
  const autocast = type === 'bfloat16' ? ({ dtype: type, force: true } as const) : undefined;
  return lower(module, { autocast }).module;
}

/** The rate of a step that writes as much as it reads, or of one that only reads: the better. Both work in the plan's memory. */
function memoryRate(bytes: number, threads: number): MemoryRate {
  const shape = [32, bytes / 4 / 32];
  const input = ramp(shape);
  const module = withInput(input);
  const { graph } = module;
  const relu = graph.callFunction('aten.relu.default', [graph.nodes[0]]);
  relu.meta = { val: { dtype: 'float32', shape } };
  const mean = graph.callFunction('aten.mean.dim', [relu, [1]]);
  mean.meta = { val: { dtype: 'float32', shape: [32] } };
  graph.output([mean]);
  using model = compile(module, { threadsPerStream: threads });
  const rates = timesOf(model, { x: input }).steps.map((step) => ratesOf(step, step.nanoseconds));
  return { bytes: 2 * bytes, gigabytesPerSecond: Math.max(...rates.map((rate) => rate.gigabytesPerSecond)) };
}

function withInput({ dtype, shape }: Tensor): GraphModule {
  const graph = new Graph();
  graph.placeholder('x').meta = { val: { dtype, shape } };
  return new GraphModule(graph);
}

/** Numbers in [-1, 1). Which ones has no effect on the time. */
function ramp(shape: readonly number[]): Tensor {
  const values = new Float32Array(numelOf(shape));
  for (let i = 0; i < values.length; i++) values[i] = ((i * 37) % 256) / 128 - 1;
  return new Tensor('float32', values, shape);
}
