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
 * and 12 GB of memory. Exit code 1: a model is refused, or further from PyTorch than it should be. Decibels are only judged
 * where both quantize the same tensors; docs/recipes.md says where they do not.
 */
const goals = {
  /** float32 sums in another order, through up to 200 layers. */
  floatError: 1e-4,
  /** What rounding to other integers here and there changes; a tensor quantized otherwise changes more. */
  decibels: 0.5,
};

const columns = [
  'model',
  'input',
  'float error',
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
  const { floatError, decibels, pytorchDecibels, refusal, isAlike, remark } = result;
  const difference = decibels - pytorchDecibels;
  const remarks = [
    refusal && `refused: ${refusal}`,
    exported.export === 'not strict' && 'exported not strictly',
    exported.quantizerError && `PyTorch does not quantize it: ${exported.quantizerError}`,
    remark,
  ].filter(Boolean);
  const number = (value: number, digits: number) => (Number.isNaN(value) ? '' : value.toFixed(digits));
  const cells = [
    name,
    exported.shape.join('x'),
    Number.isNaN(floatError) ? '' : floatError.toExponential(1),
    number(decibels, 1),
    number(pytorchDecibels, 1),
    number(difference, 2),
    seconds.toFixed(1),
    remarks.join('; '),
  ];
  const isFar = !(floatError <= goals.floatError) || (isAlike && difference < -goals.decibels);
  return { cells, isGood: !refusal && !isFar };
}

async function rowOfModel(name: string, exporter: Exporter, folder: string, recipe: Recipe): Promise<Row> {
  const exported = await exporter.export(name);
  if (exported.error !== undefined)
    return { cells: [name, '', '', '', '', '', '', `not exported: ${exported.error}`], isGood: true };
  const start = performance.now();
  const result = await examine(name, folder, exported, recipe);
  const row = rowOf(name, exported, result, (performance.now() - start) / 1000);
  for (const ending of ['pt2', 'npz']) rmSync(join(folder, `${name}.${ending}`));
  return row;
}

const isWanted = (name: string, patterns: readonly string[]) =>
  patterns.length === 0 ||
  patterns.some((pattern) => (pattern.startsWith('=') ? name === pattern.slice(1) : name.includes(pattern)));

async function main(patterns: readonly string[], { python }: { readonly python: string }): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'octavo-zoo-'));
  const exporter = await Exporter.start(python, folder);
  try {
    const { torch, torchvision, quantizer, models } = exporter.zoo;
    console.log(`PyTorch ${torch}, torchvision ${torchvision}, int8 of ${quantizer}`);
    const recipe = quantizer === 'torch.ao' ? 'pytorch-2.6' : 'torchao';
    const rows: Row[] = [];
    for (const name of Object.keys(models).filter((name) => isWanted(name, patterns))) {
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
  .action(main)
  .parseAsync();
