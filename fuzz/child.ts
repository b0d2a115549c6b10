import { writeSync } from 'node:fs';
import type { Message, Task } from './kind.ts';
import { kinds } from './kinds.ts';

/**
 * The process that judges a range of seeds. It says which problem comes before it touches it: should that problem end
 * the process, the one that watches it knows the problem.
 */

const task: Task = JSON.parse(process.argv[2]);

/** Waits until the bytes are out of this process. */
const tell = (message: Message) => writeSync(1, `${JSON.stringify(message)}\n`);

const kind = await kinds[task.kind].load();
for (let seed = task.from; seed < task.from + task.count; seed++) {
  const problem = kind.draw(seed);
  if (task.only !== undefined && problem.variant !== task.only) continue;
  tell({ seed, variant: problem.variant, problem: kind.describe(problem) });
  for (const fault of await kind.judge(problem)) tell(fault);
}
// Whatever the kind has opened.
process.exit();
