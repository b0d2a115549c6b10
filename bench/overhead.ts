/**
 * `npm run bench:overhead`: what a plan costs beyond its primitives. The wall times of `run`, one request at a time, and of
 * `runSync`, over the sum of the times of the plan's steps in profiled runs, which read the clock twice a step (some 50 ns)
 * and take turns with the others. Prints a markdown table, with where the time goes: between steps, from the call to the
 * first step and from the last one back, and, of the steps' own time, the part of oneDNN, of Octavo's own loops, and of
 * quantizing and copying. Of small networks the way of a request is most; `npm run bench -- --networks
 * glyph_resnet,glyph_mobilenet --batch 1` has ONNX Runtime beside them. `-- --quick` is for checking that it runs.
 */
import { parseArgs } from 'node:util';
import { markdownTable } from 'markdown-table';
import { type CompiledModel, compile, type StepProfile, type Tensor } from '../lib/index.ts';
import { spanOf } from '../lib/runtime/chrome-trace.ts';
import { median } from '../lib/statistics.ts';
import { networkOf } from './bench-network.ts';
import { otherLoad, snapshot } from './machine.ts';
import { lowerInt8 } from './prepare.ts';
import { inputOf, kindOf, type StepKind, timeOf, turnLength } from './profiles.ts';
import { formatTime } from './report.ts';

const { values: options } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    networks: { type: 'string', default: 'resnet18,resnet50,mobilenet_v2,glyph_resnet,glyph_mobilenet' },
    threads: { type: 'string', default: '1,2' },
  },
});
const { rounds, turnMilliseconds } = options.quick
  ? { rounds: 3, turnMilliseconds: 30 }
  : { rounds: 31, turnMilliseconds: 200 };

/** Wall times of both kinds of runs in nanoseconds, and profiles, in alternating turns. */
async function measure(model: CompiledModel, input: Tensor) {
  const turn = turnLength(model, input, turnMilliseconds);
  const [runs, syncRuns, profiles]: [number[], number[], StepProfile[][]] = [[], [], []];
  const turns = [
    async () => {
      for (let i = 0; i < turn; i++) {
        const start = performance.now();
        await model.run(input);
        runs.push(1e6 * (performance.now() - start));
      }
    },
    () => {
      for (let i = 0; i < turn; i++) {
        const start = performance.now();
        model.runSync(input);
        syncRuns.push(1e6 * (performance.now() - start));
      }
    },
    () => {
      for (let i = 0; i < turn; i++) profiles.push(model.profile(input));
    },
  ];
  for (let round = 0; round < rounds; round++)
    for (const take of round % 2 === 0 ? turns : turns.toReversed()) await take();
  return { run: median(runs), runSync: median(syncRuns), profiles };
}

async function row(network: string, model: CompiledModel): Promise<string[]> {
  const before = snapshot([]);
  const input = inputOf([1, ...networkOf(network).inputShape]);
  const { run, runSync, profiles } = await measure(model, input);
  const load = otherLoad(before, snapshot([]));
  const medianOf = (time: (profile: readonly StepProfile[]) => number) => median(profiles.map(time));
  const steps = medianOf((profile) => timeOf(profile, () => true));
  const span = medianOf(spanOf);
  const part = (kind: StepKind) => medianOf((profile) => timeOf(profile, (step) => kindOf(step) === kind));
  const share = (nanoseconds: number) => `${((100 * nanoseconds) / steps).toFixed(1)} %`;
  return [
    ...[network, String(model.threadsPerStream), String(profiles[0].length)],
    ...[run, runSync, steps].map((nanoseconds) => formatTime(nanoseconds / 1e6)),
    share(run - steps),
    ...[span - steps, run - span, runSync - span].map(
      (nanoseconds) => `${(nanoseconds / 1000).toFixed(0)} us`,
    ),
    ...(['oneDNN', 'own', 'conversion'] as const).map((kind) => share(part(kind))),
    load.toFixed(2),
  ];
}

const heading = [
  ...['network', 'threads', 'steps', 'run', 'runSync', 'sum of steps', 'overhead', 'between steps'],
  ...['call and return', 'of runSync'],
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
console.log('\nint8, batch 1, medians; shares are of the sum of steps.\n');
console.log(markdownTable([heading, ...rows], { align }));
