/**
 * `npm run bench:numerics`: what a comparison of a quantized model with the float model costs, node by node, beside running both. Prints a
 * markdown table; `--batch` and `--rounds` change the effort.
 */
import { parseArgs } from 'node:util';
import { markdownTable } from 'markdown-table';
import {
  calibrate,
  compile,
  convertPt2e,
  type GraphModule,
  getDefaultX86QuantizationConfig,
  Interpreter,
  loadPt2,
  lower,
  operators,
  preparePt2e,
  Tensor,
  X86Quantizer,
} from '../lib/index.ts';
import {
  compareModelOutputs,
  compareModelShadows,
  compareResults,
  extractResultsFromLoggers,
  generateNumericDebugHandle,
  prepareForPropagationComparison,
} from '../lib/numerics/index.ts';
import { median } from '../lib/statistics.ts';
import { otherLoad, snapshot } from './machine.ts';
import { pseudoRandom } from './pseudo-random.ts';

const { values: options } = parseArgs({
  options: {
    batch: { type: 'string', default: '64' },
    rounds: { type: 'string', default: '7' },
  },
});
const [batch, rounds] = [options.batch, options.rounds].map(Number);
const images = new Tensor('float32', pseudoRandom(batch * 3 * 32 * 32, 1), [batch, 3, 32, 32]);

/** Batches of one comparison: many enough that compiling it does not count. */
const batches = Array.from({ length: 100 }, () => images);

async function stages(name: string) {
  const captured = await loadPt2(new URL(`../models/${name}.pt2`, import.meta.url).pathname);
  generateNumericDebugHandle(captured);
  const prepared = preparePt2e(captured, new X86Quantizer().setGlobal(getDefaultX86QuantizationConfig()));
  await calibrate(prepared, [images]);
  const converted = convertPt2e(prepared);
  return { captured, converted, lowered: lower(converted).module };
}

type Work = () => unknown;

/** Milliseconds a batch. */
async function timeOf(work: Work, batchesDone: number): Promise<number> {
  await work();
  const times: number[] = [];
  for (let i = 0; i < rounds; i++) {
    const start = performance.now();
    await work();
    times.push((performance.now() - start) / batchesDone);
  }
  return median(times);
}

const running = (module: GraphModule): [Work, number] => {
  const model = compile(module);
  return [() => model.run(images), 1];
};

/** As a script in PyTorch would: values of all nodes are kept, then compared. */
function withLoggers(reference: GraphModule, actual: GraphModule): void {
  const logged = [reference, actual].map(prepareForPropagationComparison);
  for (const module of logged) new Interpreter(module, operators).run([images]);
  const [ref, act] = logged.map(extractResultsFromLoggers);
  compareResults(ref, act);
}

/** Each row beside the time in which both models that it compares are run. */
async function rowsOf(name: string): Promise<string[][]> {
  const { captured, converted, lowered } = await stages(name);
  const float = await timeOf(...running(captured));
  const rows = [[name, 'run the float model', milliseconds(float), '']];
  const pairs = [
    ['quantized', converted],
    ['lowered', lowered],
  ] as const;
  for (const [stage, actual] of pairs) {
    const own = await timeOf(...running(actual));
    rows.push([name, `run the ${stage} model`, milliseconds(own), '']);
    const compared: Readonly<Record<string, [Work, number]>> = {
      compareModelOutputs: [() => compareModelOutputs(captured, actual, batches), batches.length],
      compareModelShadows: [() => compareModelShadows(captured, actual, batches), batches.length],
      'loggers and compareResults': [() => withLoggers(captured, actual), 1],
    };
    for (const [work, [run, count]] of Object.entries(compared)) {
      const time = await timeOf(run, count);
      rows.push([name, `${work}, ${stage}`, milliseconds(time), (time / (float + own)).toFixed(2)]);
    }
  }
  return rows;
}

const milliseconds = (time: number) => `${time.toFixed(2)} ms`;

const before = snapshot([]);
const rows = [];
for (const name of ['glyph_resnet', 'glyph_mobilenet']) rows.push(...(await rowsOf(name)));
console.log(markdownTable([['model', `work on a batch of ${batch}`, 'time', 'of both runs'], ...rows]));
console.log(`\nOther load: ${otherLoad(before, snapshot([])).toFixed(2)} cores.`);
