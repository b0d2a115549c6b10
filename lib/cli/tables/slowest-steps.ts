import { ratesOf, type StepDescription, type StepProfile } from '../../runtime/index.ts';
import { median } from '../../statistics.ts';
import { formatBytes, formatTable } from '../output.ts';

/** A step with the median of its times in several runs. */
export interface TimedStep
  extends Pick<
    StepDescription,
    'node' | 'operators' | 'target' | 'op' | 'implementation' | 'dtype' | 'shape' | 'multiplyAdds' | 'bytes'
  > {
  readonly microseconds: number;
  /** Of the time that all steps take together. */
  readonly share: number;
  /** Billions of operations a second, two a multiply-add; 0 for steps without products. */
  readonly gops: number;
  readonly gigabytesPerSecond: number;
}

/** The steps that take longest, slowest first. `runs` are profiles of one plan. */
export function slowestSteps(runs: readonly (readonly StepProfile[])[], count: number): TimedStep[] {
  const times = runs[0].map((_, i) => median(runs.map((run) => run[i].nanoseconds)));
  const total = times.reduce((sum, time) => sum + time, 0);
  const steps = runs[0].map((step, i): TimedStep => {
    const { node, operators, target, op, implementation, dtype, shape, multiplyAdds, bytes } = step;
    const time = { microseconds: times[i] / 1000, share: times[i] / total };
    return {
      node,
      operators,
      target,
      op,
      implementation,
      dtype,
      shape,
      multiplyAdds,
      bytes,
      ...time,
      ...ratesOf(step, times[i]),
    };
  });
  return steps.sort((a, b) => b.microseconds - a.microseconds).slice(0, count);
}

export function formatSlowestSteps(steps: readonly TimedStep[]): string {
  return formatTable([
    ['step', 'kernel', 'result', 'time', 'share', 'GOPS', 'moves', 'GB/s'],
    ...steps.map(({ node, operators, op, implementation, dtype, shape, ...step }) => [
      operators.join(' + ') || node,
      `${op} ${implementation}`,
      `${dtype}[${shape.join(', ')}]`,
      `${step.microseconds.toFixed(1)} us`,
      `${(100 * step.share).toFixed(1)} %`,
      step.gops > 0 ? step.gops.toFixed(1) : '-',
      formatBytes(step.bytes),
      step.gigabytesPerSecond.toFixed(1),
    ]),
  ]);
}
