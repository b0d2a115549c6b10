import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command } from 'commander';
import { markdownTable } from 'markdown-table';
import type { Recipe } from '../../lib/index.ts';
import { examine, type Result } from './examine.ts';
import { type Exported, Exporter } from './exporter.ts';

/**
 * Runs torchvision's models for classification, segmentation and video beside PyTorch, in float and in int8:
 *
 *     npm run zoo -- [PATTERN...] [--python COMMAND]
 *
 * PATTERNs are parts of names, or `=NAME`. Needs a Python with torch and torchvision, as in Debian's package python3-torchvision; for
 * PyTorch 2.10 and later also torchao, without which there are no int8 results to compare with. Weights are random, so
 * nothing is downloaded. One model at a time is exported into TMPDIR and deleted afterwards; the largest needs 3 GB there
 * and 12 GB of memory. The models come in the order of the PATTERNs. Exit code 1: a model is refused, or further from
 * PyTorch than it should be. Decibels are only judged where both quantize the same tensors; docs/recipes.md says where they
 * do not.
 */
const goals = {
  /** float32 sums in another order, through up to 200 layers. */
  floatError: 1e-4,
  /**
   * Where a deep network enlarges rounding errors beyond that, Octavo may be so many times as far from float64 as PyTorch's
   * float32 is: both are off by chance, and the largest of some thousand differences varies by half.
   */
  fromDouble: 2,
  /** What rounding to other integers here and there changes; a tensor quantized otherwise changes more. */
  decibels: 0.5,
};

const columns = [
  'model',
  'input',
  'float error',
  'from float64',
  'PyTorch',
  'int8 dB',
  'PyTorch dB',
  'difference',
  'seconds',
  'remarks',
];

interface Row {
  readonly cells: readonly string[];
  readonly isGood: boolean;
}

function rowOf(name: string, exported: Exported, result: Result, seconds: number): Row {
  const { floatError, fromDouble, pytorchFromDouble, decibels, pytorchDecibels, difference } = result;
  const { refusal, isAlike, remark } = result;
  const remarks = [
    refusal && `refused: ${refusal}`,
    exported.export === 'not strict' && 'exported not strictly',
    exported.quantizerError && `PyTorch does not quantize it: ${exported.quantizerError}`,
    remark,
  ].filter(Boolean);
  const number = (value: number, digits: number) => (Number.isNaN(value) ? '' : value.toFixed(digits));
  const error = (value: number) => (Number.isNaN(value) ? '' : value.toExponential(1));
  const cells = [
    name,
    exported.shape.join('x'),
    error(floatError),
    error(fromDouble),
    error(pytorchFromDouble),
    number(decibels, 1),
    number(pytorchDecibels, 1),
    Number.isNaN(difference.mean) ? '' : `${difference.mean.toFixed(2)} ± ${difference.error.toFixed(2)}`,
    seconds.toFixed(1),
    remarks.join('; '),
  ];
  const isExact = floatError <= goals.floatError || fromDouble <= goals.fromDouble * pytorchFromDouble;
  const isNoisy = isAlike && difference.mean < -goals.decibels;
  return { cells, isGood: !refusal && isExact && !isNoisy };
}

async function rowOfModel(name: string, exporter: Exporter, folder: string, recipe: Recipe): Promise<Row> {
  const exported = await exporter.export(name);
  if (exported.error !== undefined)
    return {
      cells: [name, ...Array(columns.length - 2).fill(''), `not exported: ${exported.error}`],
      isGood: true,
    };
  const start = performance.now();
  const result = await examine(name, folder, exported, recipe);
  const row = rowOf(name, exported, result, (performance.now() - start) / 1000);
  for (const ending of ['pt2', 'npz']) rmSync(join(folder, `${name}.${ending}`));
  return row;
}

/** The models that patterns name, in the order of the patterns. */
function wanted(names: readonly string[], patterns: readonly string[]): readonly string[] {
  if (patterns.length === 0) return names;
  const matches = (pattern: string) =>
    names.filter((name) => (pattern.startsWith('=') ? name === pattern.slice(1) : name.includes(pattern)));
  return [...new Set(patterns.flatMap(matches))];
}

interface Options {
  readonly python: string;
  readonly seconds: string;
}

async function main(patterns: readonly string[], { python, seconds }: Options): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'octavo-zoo-'));
  const exporter = await Exporter.start(python, folder, Number(seconds));
  try {
    const { torch, torchvision, quantizer, models } = exporter.zoo;
    console.log(`PyTorch ${torch}, torchvision ${torchvision}, int8 of ${quantizer}`);
    const recipe = quantizer === 'torch.ao' ? 'pytorch-2.6' : 'torchao';
    const rows: Row[] = [];
    for (const name of wanted(Object.keys(models), patterns)) {
      const row = await rowOfModel(name, exporter, folder, recipe);
      console.error(row.cells.join('  '));
      rows.push(row);
    }
    const align = columns.map((name) => (['model', 'input', 'remarks'].includes(name) ? 'l' : 'r'));
    console.log(markdownTable([columns, ...rows.map(({ cells }) => cells)], { align }));
    const good = rows.filter(({ isGood }) => isGood).length;
    console.log(`\n${good} of ${rows.length} as good as they should be`);
    process.exitCode = good < rows.length ? 1 : 0;
  } finally {
    exporter.end();
    rmSync(folder, { recursive: true, force: true });
  }
}

await new Command('zoo')
  .argument('[patterns...]', "parts of models' names, or =NAME")
  .option('--python <command>', 'what starts a Python with torch and torchvision', 'python3')
  .option('--seconds <number>', 'how long PyTorch may take for a model', '3600')
  .action(main)
  .parseAsync();
