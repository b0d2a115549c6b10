/** A layer that can compute on 8-bit integers or in floating point, and the chosen one. */
export interface LayerDecision {
  /** The layer's name in the graph that was lowered: `conv2d_3`. */
  readonly node: string;
  readonly choice: 'int8' | 'float';
  /** Median times of the steps in which the two plans differ, in milliseconds. */
  readonly times: Readonly<Record<'int8' | 'float', number>>;
}

/** The number of threads that compute a plan, and the other numbers tried. */
export interface ThreadsDecision {
  /** The inputs' shapes of the plan. */
  readonly shapes: readonly (readonly number[])[];
  readonly choice: number;
  /** Median times of a run in milliseconds, by the number of threads. */
  readonly times: Readonly<Record<string, number>>;
}

/** The number of parts that a batch is computed in, and the other numbers tried. */
export interface PartsDecision {
  /** The shapes of the inputs that hold the whole batch. */
  readonly shapes: readonly (readonly number[])[];
  /** A divisor of the batch; 1: the whole batch. */
  readonly choice: number;
  /** Median times of a run in milliseconds, by the number of parts. */
  readonly times: Readonly<Record<string, number>>;
}

/** The implementation that computes a step, and its gain. */
export interface KernelDecision {
  /** The inputs' shapes of the plan. */
  readonly shapes: readonly (readonly number[])[];
  /** The widest instruction set that oneDNN used (`avx2`): on others oneDNN chooses. */
  readonly isa: string;
  /** The step's node in the lowered graph. */
  readonly node: string;
  /** Its name, as in the plan's description; if there is no such implementation, oneDNN's own choice is used. */
  readonly choice: string;
  /** Median times of the step in milliseconds, by implementation: the default one, and those that are faster. */
  readonly times: Readonly<Record<string, number>>;
}

/** Decisions about a model by measurement: plain JSON that is saved with it. */
export interface Tuning {
  /** Already done in the lowered graph. */
  readonly layers: readonly LayerDecision[];
  /** Applied to each plan of these shapes, up to the threads of the model. */
  readonly threads: readonly ThreadsDecision[];
  /** Applied to inputs of these shapes. */
  readonly parts: readonly PartsDecision[];
  /** For each plan of these shapes in which another implementation was faster than oneDNN's first. */
  readonly kernels: readonly KernelDecision[];
}

/** Nothing was measured. */
export const untuned: Tuning = { layers: [], threads: [], parts: [], kernels: [] };

type Shapes = readonly (readonly number[])[];
const isFor = (shapes: Shapes) => (decision: { readonly shapes: Shapes }) =>
  JSON.stringify(decision.shapes) === JSON.stringify(shapes);

/** Whether inputs of these shapes were measured. */
export function isTuned({ threads, parts, kernels }: Tuning, shapes: Shapes): boolean {
  return [...threads, ...parts, ...kernels].some(isFor(shapes));
}

/** The thread count that was fastest for inputs of these shapes. */
export function tunedThreads({ threads }: Tuning, shapes: Shapes): number | undefined {
  return threads.find(isFor(shapes))?.choice;
}

/** The number of parts that was fastest for inputs of these shapes. */
export function tunedParts({ parts }: Tuning, shapes: Shapes): number | undefined {
  return parts.find(isFor(shapes))?.choice;
}

/** The implementations that were fastest for inputs of these shapes on such a CPU, by node. */
export function tunedKernels(
  { kernels }: Tuning,
  shapes: Shapes,
  isa: string,
): (node: string) => string | undefined {
  const decisions = kernels.filter((decision) => isFor(shapes)(decision) && decision.isa === isa);
  const byNode = new Map(decisions.map(({ node, choice }) => [node, choice]));
  return (node) => byNode.get(node);
}

/**
 * Checks a tuning from a file or a caller.
 * @returns a frozen copy.
 * @throws Error that names the wrong field.
 */
export function checkTuning(value: unknown): Tuning {
  // Files written before parts or kernels were chosen have none.
  const { layers, threads, parts = [], kernels = [] } = record(value, 'tuning');
  for (const [i, item] of list(layers, 'tuning.layers').entries()) {
    const where = `tuning.layers[${i}]`;
    const { node, choice, times } = record(item, where);
    if (typeof node !== 'string') throw new Error(`${where}.node must be a string`);
    if (choice !== 'int8' && choice !== 'float')
      throw new Error(`${where}.choice must be 'int8' or 'float', got ${JSON.stringify(choice)}`);
    const { int8, float } = checkTimes(times, `${where}.times`);
    if (int8 === undefined || float === undefined) throw new Error(`${where}.times must have int8 and float`);
  }
  for (const [i, item] of list(threads, 'tuning.threads').entries()) checkCount(item, `tuning.threads[${i}]`);
  for (const [i, item] of list(parts, 'tuning.parts').entries()) {
    const where = `tuning.parts[${i}]`;
    const { shapes, choice } = checkCount(item, where);
    const [[batch = 1] = []] = shapes;
    if (batch % choice !== 0)
      throw new Error(`${where}.choice must divide the batch of ${batch}, got ${choice}`);
  }
  for (const [i, item] of list(kernels, 'tuning.kernels').entries()) {
    const where = `tuning.kernels[${i}]`;
    const { shapes, isa, node, choice, times } = record(item, where);
    checkShapes(shapes, where);
    for (const [name, text] of Object.entries({ isa, node, choice }))
      if (typeof text !== 'string') throw new Error(`${where}.${name} must be a string`);
    checkTimes(times, `${where}.times`);
  }
  const text = JSON.stringify({ layers, threads, parts, kernels });
  return JSON.parse(text, (_, part: unknown) => Object.freeze(part));
}

/** A tuning as lines of text; '' if nothing was measured. */
export function formatTuning({ layers, threads, parts, kernels }: Tuning): string {
  const line = (what: string, choice: string | number, times: Readonly<Record<string, number>>) => {
    const list = Object.entries(times).map(([name, ms]) => `${name} ${ms.toFixed(3)} ms`);
    return `  ${what}: ${choice} (${list.join(', ')})`;
  };
  const inputs = (shapes: Shapes) => shapes.map((sizes) => `[${sizes.join(', ')}]`).join(', ');
  const lines = [
    ...layers.map(({ node, choice, times }) => line(node, choice, times)),
    ...threads.map(({ shapes, choice, times }) => line(`threads for ${inputs(shapes)}`, choice, times)),
    ...parts.map(({ shapes, choice, times }) => line(`parts of ${inputs(shapes)}`, choice, times)),
    ...kernels.map(({ shapes, node, choice, times }) =>
      line(`kernel of ${node} for ${inputs(shapes)}`, choice, times),
    ),
  ];
  return lines.length === 0 ? '' : ['chosen by measurement:', ...lines].join('\n');
}

function checkCount(value: unknown, where: string): ThreadsDecision | PartsDecision {
  const { shapes, choice, times } = record(value, where);
  checkShapes(shapes, where);
  positiveInteger(choice, `${where}.choice`);
  checkTimes(times, `${where}.times`);
  return value as ThreadsDecision | PartsDecision;
}

function checkShapes(value: unknown, where: string): void {
  for (const shape of list(value, `${where}.shapes`))
    for (const size of list(shape, `${where}.shapes`)) positiveInteger(size, `${where}.shapes`);
}

function checkTimes(value: unknown, where: string): Record<string, number> {
  const times = record(value, where);
  for (const [name, time] of Object.entries(times))
    if (!Number.isFinite(time) || (time as number) < 0)
      throw new Error(`${where}.${name} must be a time in milliseconds`);
  return times as Record<string, number>;
}

function positiveInteger(value: unknown, where: string): void {
  if (!Number.isInteger(value) || (value as number) < 1)
    throw new Error(`${where} must be a whole number of 1 or more, got ${JSON.stringify(value)}`);
}

function record(value: unknown, where: string): Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new Error(`${where} must be an object`);
  return value as Record<string, unknown>;
}

function list(value: unknown, where: string): readonly unknown[] {
  if (!Array.isArray(value)) throw new Error(`${where} must be an array`);
  return value;
}
