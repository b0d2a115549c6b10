import type { Contender } from './contender.ts';
import { highestRate } from './highest-rate.ts';
import { Match, type Question, type Turn } from './match.ts';
import type { LoadOptions } from './options.ts';

/** How contenders are measured. */
export interface Plan extends Question, LoadOptions {
  /** Highest rates are looked for whose 99th percentile is at most so many milliseconds. */
  readonly bounds: readonly number[];
}

/** A part of the capacity, and what became of it. */
export interface RateMeasurement {
  readonly share: number;
  readonly rate: number;
  readonly turn: Turn;
}

/** All about one contender. */
export interface Measurement {
  readonly contender: Contender;
  readonly capacity: Turn;
  readonly rates: readonly RateMeasurement[];
  readonly highest: readonly { readonly boundMs: number; readonly rate: number }[];
}

const halvings = 6;

export async function measure(contender: Contender, plan: Plan): Promise<Measurement> {
  const { inFlight, milliseconds, arrivals } = plan;
  await using match = await Match.start(contender, plan);
  const offer = (rate: number) => match.open({ arrivals, rate, milliseconds, seed: 1 });
  await match.closed(inFlight, milliseconds / 4); // until batches have their plans
  const capacity = await match.closed(inFlight, milliseconds);
  const { perSecond } = capacity.report;
  const rates: RateMeasurement[] = [];
  for (const share of plan.shares) {
    const rate = share * perSecond;
    rates.push({ share, rate, turn: await offer(rate) });
  }
  const highest: { boundMs: number; rate: number }[] = [];
  for (const boundMs of plan.bounds) {
    const holds = async (rate: number) => {
      const { report } = await offer(rate);
      return report.refused === 0 && report.p99 <= boundMs;
    };
    highest.push({ boundMs, rate: await highestRate(holds, perSecond, halvings) });
  }
  return { contender, capacity, rates, highest };
}
