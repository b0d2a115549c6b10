import { compile, type GraphModule, Interpreter, operators, type Tensor } from '../../lib/index.ts';
import type { Fault, Kind } from '../kind.ts';
import { isUnclear } from '../unclear-errors.ts';
import { drawOperatorProblem } from './draw.ts';
import { graphOf } from './graph.ts';
import type { OperatorProblem } from './problem.ts';

/** Calls of operators with odd arguments: a plan computes what the interpreter does, or both refuse in clear words. */
export const operatorCalls: Kind<OperatorProblem> = {
  draw: drawOperatorProblem,
  // JSON has neither NaN nor infinities.
  describe: ({ seed: _, ...call }) =>
    JSON.stringify(call, (_key, value) =>
      typeof value === 'number' && !Number.isFinite(value) ? `${value}` : value,
    ),
  judge,
};

type Attempt = { readonly results: readonly Tensor[] } | { readonly error: unknown };

async function judge(problem: OperatorProblem): Promise<Fault[]> {
  let built: ReturnType<typeof graphOf>;
  try {
    built = graphOf(problem);
  } catch (error) {
    return unclear({ error });
  }
  const { module, inputs } = built;
  if (isLarge(module)) return [];
  const eager = await attempt(() => new Interpreter(module, operators).run(inputs) as Tensor[]);
  const planned = await attempt(async () => {
    using model = compile(module, { threadsPerStream: 1 + (problem.seed % 2) });
    return Object.values(await model.run(inputs));
  });
  const faults = [...unclear(eager), ...unclear(planned)];
  if (faults.length > 0) return faults;
  if ('error' in eager)
    return 'error' in planned ? [] : [{ fault: 'runs in a plan alone', detail: messageOf(eager.error) }];
  if ('error' in planned) {
    const detail = messageOf(planned.error);
    // Operators of oneDNN's say which of their tensors have to be known when a plan is made.
    return detail.includes('must be a constant') ? [] : [{ fault: 'runs eagerly alone', detail }];
  }
  const at = eager.results.findIndex((tensor, i) => !agree(problem.target, tensor, planned.results[i]));
  return at < 0
    ? []
    : [{ fault: 'mismatch', detail: `${text(planned.results[at])} instead of ${text(eager.results[at])}` }];
}

/** Sizes that no machine is asked for in earnest. */
const mostElements = 2 ** 24;

function isLarge(module: GraphModule): boolean {
  try {
    using model = compile(module, { threadsPerStream: 1 });
    return model.outputs.some(
      ({ shape }) => !((shape as number[]).reduce((a, b) => a * b, 1) <= mostElements),
    );
  } catch {
    return false;
  }
}

async function attempt(run: () => Promise<Tensor[]> | Tensor[]): Promise<Attempt> {
  try {
    return { results: await run() };
  } catch (error) {
    return { error };
  }
}

const messageOf = (error: unknown) => (error instanceof Error ? error.message : String(error));

function unclear(attempted: Attempt): Fault[] {
  return 'error' in attempted && isUnclear(attempted.error)
    ? [{ fault: 'unclear error', detail: messageOf(attempted.error) }]
    : [];
}

/**
 * Whether a plan's result is the interpreter's. Both run the same step, but a plan gives tensors other strides, under which a
 * kernel may add up in another order: float32 within 1e-4 of each other, float64 within 1e-12, raw bits of a half precision
 * within one, and quantized values, which may be rounded to the other side of a tie, within one. Integers that nothing rounds
 * are equal.
 */
function agree(target: string, expected: Tensor, got: Tensor): boolean {
  if (expected.dtype !== got.dtype || `${expected.shape}` !== `${got.shape}`) return false;
  const isRounded = !/^aten|lookup|integer/.test(target);
  const step =
    { float16: 1, bfloat16: 1, uint8: isRounded ? 1 : 0, int8: isRounded ? 1 : 0 }[
      expected.dtype as string
    ] ?? 0;
  const relative = { float32: 1e-4, float64: 1e-12 }[expected.dtype as string];
  const [a, b] = [expected.data, got.data];
  for (let i = 0; i < a.length; i++) {
    const [p, q] = [Number(a[i]), Number(b[i])];
    if (Object.is(p, q) || p === q) continue;
    const tolerance = relative === undefined ? step : relative * Math.max(Math.abs(p), Math.abs(q), 1);
    if (!(Math.abs(p - q) <= tolerance)) return false;
  }
  return true;
}

const text = ({ dtype, shape, data }: Tensor) => `${dtype}[${shape}] ${Array.from(data.slice(0, 6), String)}`;
