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
const batches = Array.from({ length: 20 }, () => images);

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

async function rowsOf(name: string): Promise<string[][]> {
  const { captured, converted, lowered } = await stages(name);
  const works: Readonly<Record<string, [Work, number]>> = {
    'run the float model, unfused': running(captured),
    'run its quantized model, unfused': running(converted),
    'run its lowered model': running(lowered),
    compareModelOutputs: [() => compareModelOutputs(captured, converted, batches), batches.length],
    'compareModelOutputs, lowered': [() => compareModelOutputs(captured, lowered, batches), batches.length],
    compareModelShadows: [() => compareModelShadows(captured, converted, batches), batches.length],
    'loggers and compareResults': [() => withLoggers(captured, converted), 1],
  };
  const rows: string[][] = [];
  let both = 0;
  for (const [work, [run, count]] of Object.entries(works)) {
    const time = await timeOf(run, count);
    if (rows.length < 2) both += time;
    rows.push([name, work, `${time.toFixed(2)} ms`, rows.length < 2 ? '' : (time / both).toFixed(2)]);
  }
  return rows;
}

const before = snapshot([]);
const rows = [];
for (const name of ['glyph_resnet', 'glyph_mobilenet']) rows.push(...(await rowsOf(name)));
console.log(markdownTable([['model', `work on a batch of ${batch}`, 'time', 'of both runs'], ...rows]));
console.log(`\nOther load: ${otherLoad(before, snapshot([])).toFixed(2)} cores.`);
