/**
 * `npm run bench:training`: a training step (forward, backward, SGD with momentum) in float32 beside PyTorch's eager mode, in
 * one run with alternating order. PyTorch runs row-major and channels-last; ratios are to the faster of the two.
 *
 *     npm run bench:training -- --python 'chroot /chroots/trixie python3' [--networks glyph_resnet,resnet18] [--threads 2]
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { Command } from 'commander';
import { markdownTable } from 'markdown-table';
import { GlyphMobileNet } from '../../examples/train-glyphs/glyph-mobilenet.ts';
import { exportModel, Tensor } from '../../lib/index.ts';
import * as nn from '../../lib/nn/index.ts';
import { median } from '../../lib/statistics.ts';
import { SGD, Trainer } from '../../lib/training/index.ts';
import { GlyphResNet } from '../../test/models/glyph-resnet.ts';
import { random } from '../../test/support/graph-builder.ts';
import { otherLoad, snapshot } from '../machine.ts';
import { resnet18 } from '../models/resnet.ts';

const F = nn.functional;

interface Network {
  readonly make: () => nn.Module;
  readonly size: number;
  readonly classes: number;
  readonly batch: number;
}

const networks: Readonly<Record<string, Network>> = {
  glyph_resnet: { make: () => new GlyphResNet(), size: 32, classes: 36, batch: 64 },
  glyph_mobilenet: { make: () => new GlyphMobileNet(), size: 32, classes: 36, batch: 64 },
  resnet18: { make: resnet18, size: 224, classes: 1000, batch: 16 },
};

/** Takes some steps, and says how many milliseconds one took. */
interface Contestant {
  readonly name: string;
  readonly pids: readonly number[];
  run(steps: number): Promise<number>;
  mebibytes(): number;
  end(): void;
}

function octavo({ make, size, classes, batch }: Network, threads: number): Contestant {
  const shape = [batch, 3, size, size];
  const next = random(1);
  const x = Tensor.from(
    'float32',
    Array.from({ length: batch * 3 * size * size }, () => 4 * next() - 2),
    shape,
  );
  const labels = Tensor.from(
    'int64',
    Array.from({ length: batch }, (_, i) => i % classes),
  );
  const trainer = new Trainer(exportModel(make().train(), { x }), {
    loss: ([logits], targets) => F.crossEntropy(logits, targets.labels),
    targets: { labels: { dtype: 'int64', shape: [batch] } },
    optimizer: new SGD({ lr: 1e-3, momentum: 0.9 }),
    threads,
  });
  return {
    name: 'Octavo',
    pids: [],
    async run(steps) {
      const start = performance.now();
      for (let i = 0; i < steps; i++) await trainer.step({ x }, { labels });
      return (performance.now() - start) / steps;
    },
    mebibytes: () => process.memoryUsage().rss / 2 ** 20,
    end: () => trainer[Symbol.dispose](),
  };
}

async function pytorch(
  python: string,
  name: string,
  layout: 'contiguous' | 'channels_last',
  threads: number,
): Promise<Contestant> {
  const [command, ...args] = python.split(' ');
  const script = fileURLToPath(new URL('contestant.py', import.meta.url));
  const child: ChildProcess = spawn(command, [...args, script], { stdio: ['pipe', 'pipe', 'ignore'] });
  const lines = createInterface({ input: child.stdout! })[Symbol.asyncIterator]();
  const answer = async () => {
    const { value, done } = await lines.next();
    if (done) throw new Error(`PyTorch (${python}) ended without an answer`);
    return value;
  };
  child.stdin!.write(`${name} ${networks[name].batch} ${threads} ${layout}\n`);
  await answer();
  let resident = 0;
  return {
    name: `PyTorch ${layout}`,
    pids: [child.pid!],
    async run(steps) {
      child.stdin!.write(`${steps}\n`);
      const [milliseconds, mebibytes] = (await answer()).split(' ').map(Number);
      resident = mebibytes;
      return milliseconds;
    },
    mebibytes: () => resident,
    end: () => child.stdin!.end(),
  };
}

const program = new Command('training')
  .option('--python <command>', 'the command that starts a Python with torch and torchvision', 'python3')
  .option('--networks <names>', Object.keys(networks).join(','), Object.keys(networks).join(','))
  .option('--threads <n>', 'threads', '2')
  .option('--rounds <n>', 'turns of each contestant', '9')
  .parse();
const { python, networks: names, threads, rounds } = program.opts<Record<string, string>>();

const rows: string[][] = [];
for (const name of names.split(',')) {
  if (!networks[name]) program.error(`--networks: there is no '${name}'`);
  const contestants = [
    octavo(networks[name], Number(threads)),
    await pytorch(python, name, 'contiguous', Number(threads)),
    await pytorch(python, name, 'channels_last', Number(threads)),
  ];
  const times = new Map<Contestant, number[]>();
  for (const contestant of contestants) times.set(contestant, [await contestant.run(2)]);
  const steps = Math.max(1, Math.round(300 / Math.min(...[...times.values()].flat())));
  const before = snapshot(contestants.flatMap(({ pids }) => pids));
  for (const contestant of contestants) times.set(contestant, []);
  for (let round = 0; round < Number(rounds); round++)
    for (const contestant of round % 2 === 0 ? contestants : contestants.toReversed())
      times.get(contestant)!.push(await contestant.run(steps));
  const load = otherLoad(before, snapshot(before.pids));
  const medians = contestants.map((contestant) => median(times.get(contestant)!));
  const [ours, ...theirs] = medians;
  rows.push([
    name,
    String(networks[name].batch),
    ...medians.map((ms) => ms.toFixed(1)),
    (Math.min(...theirs) / ours).toFixed(2),
    ...contestants.map((contestant) => contestant.mebibytes().toFixed(0)),
    load.toFixed(2),
  ]);
  for (const contestant of contestants) contestant.end();
}
const header = ['network', 'batch', 'Octavo ms', 'PyTorch ms', 'channels-last ms', 'ratio'];
const memory = ['Octavo MiB', 'PyTorch MiB', 'channels-last MiB', 'other load'];
console.log(markdownTable([[...header, ...memory], ...rows]));
