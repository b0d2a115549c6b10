/**
 * `npm run fuzz -- convolutions`: random problems against exact references, in processes that may crash. CONTRIBUTING.md
 * says how to use it. Exits with 1 when something was found.
 */
import { Argument, Command, InvalidArgumentError } from 'commander';
import { type Finding, hunt, type Outcome } from './hunt.ts';
import { kinds } from './kinds.ts';

interface Options {
  readonly from: number;
  readonly count: number;
  readonly seed?: number;
  readonly seconds?: number;
  readonly isa?: string;
  readonly only?: string;
}

function wholeNumber(text: string): number {
  const value = Number(text);
  if (text.trim() === '' || !Number.isSafeInteger(value) || value < 0)
    throw new InvalidArgumentError('It must be a whole number.');
  return value;
}

/** A finding with the command that shows it again. */
function format(kind: string, { isa }: Options, { seed, fault, detail, problem }: Finding): string {
  const command = `npm run fuzz -- ${kind} --seed ${seed}${isa === undefined ? '' : ` --isa ${isa}`}`;
  return `${fault}: ${detail}\n  ${problem}\n  ${command}\n`;
}

function summary({ problems, variants, findings, seconds, next }: Outcome): string {
  const counts = new Map<string, number>();
  for (const { fault } of findings) counts.set(fault, (counts.get(fault) ?? 0) + 1);
  const found = [...counts].map(([fault, count]) => `${count} ${fault}`).join(', ') || 'nothing found';
  const of = [...variants].sort().map(([variant, count]) => `${count} ${variant}`);
  return `${problems} problems in ${seconds.toFixed(0)} s, up to seed ${next - 1} (${of.join(', ')}): ${found}`;
}

const program = new Command('fuzz')
  .description('Judges random problems against exact references; every finding can be run again by its seed.')
  .addArgument(new Argument('<kind>', 'kind of problems').choices(Object.keys(kinds)))
  .option('--from <seed>', 'the first seed', wholeNumber, 0)
  .option('--count <n>', 'how many seeds', wholeNumber, 10_000)
  .option('--seed <seed>', 'this seed alone', wholeNumber)
  .option('--seconds <n>', 'stop after so long', wholeNumber)
  .option('--isa <name>', 'the widest instruction set of oneDNN (ONEDNN_MAX_CPU_ISA), such as AVX512_CORE')
  .option('--only <variant>', 'judge one variant alone: a dtype (int8), a file format (pt2)')
  .action(async (kind: string, options: Options) => {
    const { seed, only } = options;
    const { variants } = kinds[kind];
    if (only !== undefined && !variants.includes(only))
      program.error(`--only: of ${kind} there are ${variants.join(', ') || 'no variants'}, not '${only}'`);
    const task = { kind, ...options, ...(seed === undefined ? {} : { from: seed, count: 1 }) };
    const outcome = await hunt(task, (finding) => console.log(format(kind, options, finding)));
    console.log(summary(outcome));
    process.exitCode = outcome.findings.length > 0 ? 1 : 0;
  });

await program.parseAsync();
