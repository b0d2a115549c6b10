import { casesFolder, readCases } from './index.ts';
import { type Exporter, runCase } from './run-case.ts';

/**
 * Prints what becomes of the cases in a folder, or of those named:
 *
 *     npx tsx test/cases/table.ts [--folder FOLDER] [--exporter 2.14] [NAME...]
 *
 * One line a stage: the decibels of its results against PyTorch's, and the largest relative error, or the Error.
 */
async function main(args: string[]): Promise<void> {
  const option = (name: string, otherwise: string) => {
    const at = args.indexOf(name);
    return at < 0 ? otherwise : args.splice(at, 2)[1];
  };
  const folder = option('--folder', casesFolder);
  const exporter = option('--exporter', '2.6') as Exporter;
  for (const [name, it] of Object.entries(readCases(folder))) {
    if (args.length > 0 && !args.includes(name)) continue;
    console.log(`${name} (${it.quantization}): ${it.special}`);
    const outcomes = await runCase(folder, name, it, exporter);
    for (const { stage, error, decibels = 0, relativeError = 0 } of outcomes) {
      const numbers = `${decibels.toFixed(1).padStart(6)} dB  ${relativeError.toExponential(1)}`;
      console.log(`    ${stage.padEnd(18)} ${error ?? numbers}`);
    }
  }
}

await main(process.argv.slice(2));
