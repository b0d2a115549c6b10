import { quantile } from '../../lib/statistics.ts';

/** What became of the requests of a load. */
export interface LoadReport {
  /** Requests that were answered with a result. */
  readonly answered: number;
  /** Requests that the server had no room for. */
  readonly refused: number;
  /** Results a second. */
  readonly perSecond: number;
  /** Of results, in milliseconds, by the fraction of them that took no longer. */
  readonly p50: number;
  readonly p95: number;
  readonly p99: number;
  readonly p999: number;
  /** How late requests were sent, for 99 of 100, in milliseconds: it is part of their latencies. */
  readonly lateP99: number;
}

/** Counts requests as they are answered. */
export class LoadCounter {
  readonly #latencies: number[] = [];
  readonly #lateness: number[] = [];
  #refused = 0;

  sent(lateness: number): void {
    this.#lateness.push(lateness);
  }

  /** @param latency from when the request should have been sent to its result, in milliseconds. */
  answered(latency: number): void {
    this.#latencies.push(latency);
  }

  refused(): void {
    this.#refused++;
  }

  /** @param milliseconds how long results came. */
  report(milliseconds: number): LoadReport {
    const latency = (q: number) => quantile(this.#latencies, q);
    return {
      answered: this.#latencies.length,
      refused: this.#refused,
      perSecond: this.#latencies.length / (milliseconds / 1000),
      ...{ p50: latency(0.5), p95: latency(0.95), p99: latency(0.99), p999: latency(0.999) },
      lateP99: this.#lateness.length > 0 ? quantile(this.#lateness, 0.99) : 0,
    };
  }
}
