/**
 * `npm run bench:overhead`: what a plan costs beyond its primitives. The wall time of `run`, over the sum of the times of
 * its steps in profiled runs, which read the clock twice a step (some 50 ns) and take turns with the others. Prints a
 * markdown table, with where the time goes: between steps, from the call to the first step and from the last one back,
 * and, of the steps' own time, the part of oneDNN, of Octavo's own loops, and of quantizing and copying.
 * `-- --quick` is for checking that it runs.
 */
import { parseArgs } from 'node:util';
import { markdownTable } from 'markdown-table';
import { type CompiledModel, compile, type StepProfile, type Tensor } from '../lib/index.ts';
import { spanOf } from '../lib/runtime/chrome-trace.ts';
import { median } from '../lib/statistics.ts';
import { imageShape } from './bench-network.ts';
import { otherLoad, snapshot } from './machine.ts';
import { lowerInt8 } from './prepare.ts';
import { inputOf, kindOf, type StepKind, timeOf, turnLength } from './profiles.ts';

const { values: options } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    networks: { type: 'string', default: 'resnet18,resnet50,mobilenet_v2' },
    threads: { type: 'string', default: '1,2' },
  },
});
const { rounds, turnMilliseconds } = options.quick
  ? { rounds: 3, turnMilliseconds: 30 }
  : { rounds: 31, turnMilliseconds: 200 };

/** Wall times of runs in nanoseconds, and profiles, in alternating turns. */
async function measure(model: CompiledModel, input: Tensor) {
  const turn = turnLength(model, input, turnMilliseconds);
  const [walls, profiles]: [number[], StepProfile[][]] = [[], []];
  const run = async () => {
    const start = performance.now();
    await model.run(input);
    return 1e6 * (performance.now() - start);
  };
  const turns = [
    async () => {
      await run();
      for (let i = 0; i < turn; i++) walls.push(await run());
    },
    async () => {
      model.profile(input);
      for (let i = 0; i < turn; i++) profiles.push(model.profile(input));
    },
  ];
  for (let round = 0; round < rounds; round++)
    for (const take of round % 2 === 0 ? turns : turns.toReversed()) await take();
  return { wall: median(walls), profiles };
}

async function row(network: string, model: CompiledModel): Promise<string[]> {
  const before = snapshot([]);
  const { wall, profiles } = await measure(model, inputOf([1, ...imageShape]));
  const load = otherLoad(before, snapshot([]));
  const medianOf = (time: (profile: readonly StepProfile[]) => number) => median(profiles.map(time));
  const steps = medianOf((profile) => timeOf(profile, () => true));
  const span = medianOf(spanOf);
  const part = (kind: StepKind) => medianOf((profile) => timeOf(profile, (step) => kindOf(step) === kind));
  const share = (nanoseconds: number) => `${((100 * nanoseconds) / steps).toFixed(1)} %`;
  return [
    ...[network, String(model.threadsPerStream), String(profiles[0].length)],
    ...[wall, steps].map((nanoseconds) => `${(nanoseconds / 1e6).toFixed(2)} ms`),
    share(wall - steps),
    ...[span - steps, wall - span].map((nanoseconds) => `${(nanoseconds / 1000).toFixed(0)} us`),
    ...(['oneDNN', 'own', 'conversion'] as const).map((kind) => share(part(kind))),
    load.toFixed(2),
  ];
}

const heading = [
  ...['network', 'threads', 'steps', 'run', 'sum of steps', 'overhead', 'between steps', 'call and return'],
  ...['oneDNN', 'own loops', 'quantize, copy', 'other load'],
];
const rows: string[][] = [];
for (const network of options.networks.split(',')) {
  const module = await lowerInt8(network);
  for (const threadsPerStream of options.threads.split(',').map(Number)) {
    using model = compile(module, { threadsPerStream });
    rows.push(await row(network, model));
    console.log(rows.at(-1)!.join(' | '));
  }
}
const align = heading.map((_, column) => (column === 0 ? 'l' : 'r'));
console.log(`\nint8, batch 1, medians; shares are of the sum of steps.\n`);
console.log(markdownTable([heading, ...rows], { align }));
