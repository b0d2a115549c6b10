import { Counter, Gauge, Histogram, type Registry } from 'prom-client';
import type { Distribution } from '../models/version-tally.ts';

/** What a metric is called, and what it says. */
export interface Description {
  readonly name: string;
  readonly help: string;
  readonly labelNames: readonly string[];
}

/** One value of a metric, of those that its labels tell apart. */
export interface Reading<T> {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: T;
}

/** A line of a histogram. */
interface Line {
  readonly metricName: string;
  readonly labels: Readonly<Record<string, string | number>>;
  readonly sharedLabels: Readonly<Record<string, string>>;
  readonly value: number;
}

const configOf = (registry: Registry, { name, help, labelNames }: Description) => ({
  name,
  help,
  labelNames: [...labelNames],
  registers: [registry],
});

/** Adds a counter that is read when somebody asks, from what is counted anyway. Labels that are not read any more are gone. */
export function addCounter(
  registry: Registry,
  description: Description,
  read: () => readonly Reading<number>[],
): void {
  new Counter({
    ...configOf(registry, description),
    collect() {
      this.reset();
      for (const { labels, value } of read()) this.inc(labels, value);
    },
  });
}

/** The same of a number that also falls. */
export function addGauge(
  registry: Registry,
  description: Description,
  read: () => readonly Reading<number>[],
): void {
  new Gauge({
    ...configOf(registry, description),
    collect() {
      this.reset();
      for (const { labels, value } of read()) this.set(labels, value);
    },
  });
}

/** The same of a distribution: prom-client's own histograms can only be told one value after the other. */
export class ReadHistogram extends Histogram<string> {
  readonly #description: Description;
  readonly #bounds: readonly number[];
  readonly #read: () => readonly Reading<Distribution>[];

  constructor(
    registry: Registry,
    description: Description,
    bounds: readonly number[],
    read: () => readonly Reading<Distribution>[],
  ) {
    super({ ...configOf(registry, description), buckets: [...bounds] });
    this.#description = description;
    this.#bounds = bounds;
    this.#read = read;
  }

  /** All that prom-client makes text or JSON of. */
  async getForPromString() {
    const { name, help } = this.#description;
    const values = this.#read().flatMap((reading) => this.#linesOf(reading));
    return { name, help, type: 'histogram', aggregator: 'sum', values };
  }

  #linesOf({ labels: sharedLabels, value: { counts, sum } }: Reading<Distribution>): Line[] {
    const { name } = this.#description;
    const line = (suffix: string, value: number, labels: Line['labels'] = {}) => {
      return { metricName: `${name}_${suffix}`, labels, sharedLabels, value };
    };
    let count = 0;
    const buckets = counts.map((each, i) => {
      count += each;
      return line('bucket', count, { le: this.#bounds[i] ?? '+Inf' });
    });
    return [...buckets, line('sum', sum), line('count', count)];
  }
}
