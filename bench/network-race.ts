import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import type { NetworkSpec } from './bench-network.ts';
import type { Entry } from './contestant.ts';
import { effortOf, effortOptions, positiveIntegers } from './effort.ts';
import { type Effort, race } from './harness.ts';
import { type Precision, precisionsHere } from './precisions.ts';
import { formatSetup, formatTable, formatTime, geometricMeans, type Row, setupHere } from './report.ts';

/** A comparison of engines over networks, thread counts and batch sizes. */
export interface NetworkRace<Files extends Pick<NetworkSpec, 'inputShape'>> {
  /** Networks where the command line names none. */
  readonly networks: readonly string[];
  /** Writes a network's files into a folder. */
  prepare(network: string, precisions: readonly Precision[], folder: string): Promise<Files>;
  /** Who runs a network, and what the table should say of them. */
  contestants(files: Files, threads: number, inputShape: readonly number[]): Promise<Contest> | Contest;
  /** What the medians, by the contestants' names, are compared to: times as fast as the other one. */
  ratios(milliseconds: Readonly<Record<string, number>>): Readonly<Record<string, number>>;
}

/** Those who race. */
export interface Contest {
  readonly entries: readonly Entry[];
  /** Further columns. */
  readonly notes?: Readonly<Record<string, string>>;
}

interface Plan {
  readonly networks: readonly string[];
  readonly batches: readonly number[];
  readonly threadCounts: readonly number[];
  readonly effort: Effort;
  readonly precisions: readonly Precision[];
}

/**
 * Runs the race as the command line says and prints its table, or JSON:
 *
 *     --networks resnet18,mobilenet_v2 --threads 1,2 --batch 1,16 --rounds 15 [--quick] [--json]
 *
 * What happens meanwhile goes to standard error.
 */
export async function runNetworkRace<Files extends Pick<NetworkSpec, 'inputShape'>>(
  contest: NetworkRace<Files>,
): Promise<void> {
  const { values: options } = parseArgs({
    options: {
      ...effortOptions,
      networks: { type: 'string', default: contest.networks.join(',') },
      batch: { type: 'string', default: '1,16' },
      threads: { type: 'string', default: '1,2' },
    },
  });
  const { precisions, missing } = precisionsHere();
  const plan: Plan = {
    networks: options.networks.split(','),
    batches: positiveIntegers('batch', options.batch),
    threadCounts: positiveIntegers('threads', options.threads),
    effort: effortOf(options),
    precisions,
  };
  const setup = setupHere();
  const { effort } = plan;
  console.error(formatSetup(setup));
  const rows: Row[] = [];
  for (const network of plan.networks) rows.push(...(await rowsOf(network, contest, plan)));
  if (options.json) {
    console.log(JSON.stringify({ setup, effort, missing, rows, means: geometricMeans(rows) }, null, 2));
    return;
  }
  const turns = `Medians of ${effort.rounds} alternating turns of at least ${effort.turnMilliseconds} ms each`;
  console.log(`${formatSetup(setup)}\n${turns}; ratios say how many times as fast the first one is.\n`);
  console.log(formatTable(rows));
  if (missing) console.log(`\n${missing}.`);
}

async function rowsOf<Files extends Pick<NetworkSpec, 'inputShape'>>(
  network: string,
  contest: NetworkRace<Files>,
  plan: Plan,
): Promise<Row[]> {
  const folder = await mkdtemp(join(tmpdir(), 'octavo-bench-'));
  try {
    console.error(`${network}: preparing`);
    const files = await contest.prepare(network, plan.precisions, folder);
    const rows: Row[] = [];
    for (const threads of plan.threadCounts)
      for (const batch of plan.batches) {
        const shape = [batch, ...files.inputShape];
        const { entries, notes } = await contest.contestants(files, threads, shape);
        const { timings, otherLoad } = await race(entries, shape, plan.effort);
        const medians = timings.map(({ entry, medianMs }) => [entry.name, medianMs] as const);
        const milliseconds = Object.fromEntries(medians);
        const what = { network, threads, batch, ...notes };
        rows.push({ what, milliseconds, ratios: contest.ratios(milliseconds), otherLoad });
        const list = medians.map(([name, ms]) => `${name} ${formatTime(ms)}`).join(', ');
        console.error(`${network}, ${threads} threads, batch ${batch}: ${list}`);
      }
    return rows;
  } finally {
    await rm(folder, { recursive: true });
  }
}
