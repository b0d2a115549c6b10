import { readdirSync, readFileSync } from 'node:fs';
import { compile } from '../../../lib/runtime/index.ts';
import { uniform } from '../../support/graph-builder.ts';
import { slowNet } from '../../support/models.ts';

/** Prints the CPUs that a worker and its lane, the threads which compute a batch in parts, may run on. */
const model = compile(slowNet(8), { threadsPerStream: 2 });
const x = uniform([4, 16, 64, 64], -1, 1, 1);
if (model.plan(x.shape).parts < 2) throw new Error('the batch is not divided');
await model.run(x);
const cpus: Record<string, string> = {};
for (const task of readdirSync('/proc/self/task')) {
  const status = readFileSync(`/proc/self/task/${task}/status`, 'utf8');
  const [, name] = /^Name:\s*(.*)$/m.exec(status)!;
  const [, allowed] = /^Cpus_allowed_list:\s*(.*)$/m.exec(status)!;
  cpus[name] = allowed;
}
console.log(JSON.stringify({ worker: cpus['octavo-0'], lane: cpus['octavo-lane-1'] }));
model.dispose();
