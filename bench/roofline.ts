/**
 * `npm run bench:roofline -- --networks resnet50,bert_base`: how near each int8 convolution and linear layer comes to the
 * best int8 matrix product that this machine does in the same run. Prints a markdown table for each network, batch size and
 * number of threads, worst step first. Operations are two a multiply-add. `-- --quick` is for checking that it runs.
 */
import { parseArgs } from 'node:util';
import { markdownTable } from 'markdown-table';
import {
  type CompiledModel,
  calibrate,
  compile,
  convertPt2e,
  exportModel,
  getDefaultX86QuantizationConfig,
  lower,
  preparePt2e,
  type StepProfile,
  type Tensor,
  X86Quantizer,
} from '../lib/index.ts';
import * as nn from '../lib/nn/index.ts';
import { networkOf } from './bench-network.ts';
import { otherLoad, snapshot } from './machine.ts';
import { lowerInt8 } from './prepare.ts';
import { inputOf, medianSteps, timeOf, turnLength } from './profiles.ts';

const { values: options } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    networks: { type: 'string', default: 'resnet50' },
    batch: { type: 'string', default: '1,16' },
    threads: { type: 'string', default: '1,2' },
    sizes: { type: 'string', default: '1024,2048' },
  },
});
const { rounds, turnMilliseconds } = options.quick
  ? { rounds: 2, turnMilliseconds: 30 }
  : { rounds: 15, turnMilliseconds: 300 };
const numbers = (list: string) => list.split(',').map(Number);

/** A model to profile, with its input. */
interface Subject {
  readonly model: CompiledModel;
  readonly input: Tensor;
}

/** Two linear layers, one after the other: the first gives int8, as convolutions inside a network do. */
async function squareProducts(size: number, threadsPerStream: number): Promise<Subject> {
  nn.manualSeed(0);
  const layers = new nn.Sequential(new nn.Linear(size, size), new nn.Linear(size, size)).eval();
  const input = inputOf([size, size]);
  const quantizer = new X86Quantizer().setGlobal(getDefaultX86QuantizationConfig());
  const prepared = preparePt2e(exportModel(layers, { x: input }), quantizer);
  await calibrate(prepared, [input]);
  const { module } = lower(convertPt2e(prepared), { strict: true });
  return { model: compile(module, { threadsPerStream }), input };
}

/** Medians of each subject's steps; the subjects take turns. */
function profileAll(subjects: readonly Subject[]): StepProfile[][] {
  const turns = subjects.map(({ model, input }) => turnLength(model, input, turnMilliseconds));
  const profiles = subjects.map((): StepProfile[][] => []);
  const order = [...subjects.keys()];
  for (let round = 0; round < rounds; round++)
    for (const i of round % 2 === 0 ? order : order.toReversed()) {
      const { model, input } = subjects[i];
      model.profile(input);
      for (let run = 0; run < turns[i]; run++) profiles[i].push(model.profile(input));
    }
  return profiles.map(medianSteps);
}

/** Billions of operations a second. */
function gopsOf(steps: readonly StepProfile[]): number {
  const operations = steps.reduce((sum, { multiplyAdds }) => sum + 2 * multiplyAdds, 0);
  return operations / timeOf(steps, () => true);
}

const isInt8 = ({ inputDtype }: StepProfile) => inputDtype === 'uint8' || inputDtype === 'int8';

function rowOf(step: StepProfile, best: number): string[] {
  const gops = gopsOf([step]);
  return [
    step.operators[0] ?? step.node,
    step.implementation,
    `${step.dtype}[${step.shape.join(', ')}]`,
    `${(step.multiplyAdds / 1e6).toFixed(1)} M`,
    `${(step.nanoseconds / 1000).toFixed(1)} us`,
    gops.toFixed(1),
    `${((100 * gops) / best).toFixed(1)} %`,
  ];
}

const heading = ['step', 'kernel', 'result', 'multiply-adds', 'time', 'GOPS', 'of the best product'];
const align = heading.map((_, column) => (column < 3 ? 'l' : 'r'));
const networks = await Promise.all(
  options.networks.split(',').map(async (name) => {
    return { name, module: await lowerInt8(name), inputShape: networkOf(name).inputShape };
  }),
);
for (const threads of numbers(options.threads)) {
  const squares: Subject[] = [];
  for (const size of numbers(options.sizes)) squares.push(await squareProducts(size, threads));
  for (const { name, module, inputShape, batch } of networks.flatMap((network) =>
    numbers(options.batch).map((batch) => ({ ...network, batch })),
  )) {
    using model = compile(module, { threadsPerStream: threads });
    const before = snapshot([]);
    const [steps, ...products] = profileAll([{ model, input: inputOf([batch, ...inputShape]) }, ...squares]);
    const load = otherLoad(before, snapshot([]));
    const linears = products.flat().filter((step) => step.op === 'linear' && isInt8(step));
    const best = Math.max(...linears.map((step) => gopsOf([step])));
    const layers = steps.filter(({ op }) => op === 'convolution' || op === 'linear').filter(isInt8);
    const slowestFirst = layers.toSorted((a, b) => gopsOf([a]) - gopsOf([b]));
    const together = gopsOf(layers);
    console.log(
      `\n${name}, batch ${batch}, threads ${threads}: best int8 product ${best.toFixed(1)} GOPS; all ` +
        `layers together ${together.toFixed(1)} GOPS, ${((100 * together) / best).toFixed(1)} % of it; other load ` +
        `${load.toFixed(2)}\n`,
    );
    console.log(markdownTable([heading, ...slowestFirst.map((step) => rowOf(step, best))], { align }));
  }
  for (const { model } of squares) model.dispose();
}
