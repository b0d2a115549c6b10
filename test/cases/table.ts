import { casesFolder, readCases } from './index.ts';
import { runCase } from './run-case.ts';

/**
 * Prints what becomes of the cases in a folder, or of those named:
 *
 *     npx tsx test/cases/table.ts [--folder FOLDER] [NAME...]
 *
 * One line a stage: the decibels of its results against PyTorch's, and the largest relative error, or the Error.
 */
async function main(args: string[]): Promise<void> {
  const at = args.indexOf('--folder');
  const folder = at < 0 ? casesFolder : args.splice(at, 2)[1];
  for (const [name, { quantization, special }] of Object.entries(readCases(folder))) {
    if (args.length > 0 && !args.includes(name)) continue;
    console.log(`${name} (${quantization}): ${special}`);
    for (const { stage, error, decibels = 0, relativeError = 0 } of await runCase(
      folder,
      name,
      quantization,
    )) {
      const numbers = `${decibels.toFixed(1).padStart(6)} dB  ${relativeError.toExponential(1)}`;
      console.log(`    ${stage.padEnd(18)} ${error ?? numbers}`);
    }
  }
}

await main(process.argv.slice(2));
