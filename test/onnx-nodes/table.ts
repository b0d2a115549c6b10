import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { type NodeTestResult, runLightTest, runNodeTest, writtenOpsets } from './node-test.ts';

/**
 * Runs ONNX's own tests and prints how they came out, one a line, with a summary a suite:
 *
 *     npx tsx test/onnx-nodes/table.ts FOLDER [PATTERN]
 *
 * FOLDER holds the suites (`node`, `simple`, …), as in Debian's package libonnx-testdata under
 * /usr/share/libonnx-testdata/data; PATTERN is a part of a test's name. A test is refused where loadOnnx says that it cannot
 * read it, failed where the result is another one, and skipped where its data is wrong. What passed is exported for each
 * operator set that exportOnnx writes, loaded again and run once more: that is refused where it cannot be written, failed
 * where a result is another one, and differs where the results are right but the graph is not the same. Exit code 1:
 * something failed.
 */
async function main([folder, pattern = '']: readonly string[]): Promise<void> {
  if (!folder) throw new Error('give the folder that holds the suites: node, simple, …');
  let failed = 0;
  const summary: string[] = [];
  for (const suite of readdirSync(folder).sort()) {
    const results: NodeTestResult[] = [];
    for (const file of readdirSync(join(folder, suite)).sort()) {
      const path = join(folder, suite, file);
      const name = `${suite}/${file}`;
      if (!file.includes(pattern) || !(file.endsWith('.onnx') || existsSync(join(path, 'model.onnx'))))
        continue;
      const result = await (file.endsWith('.onnx') ? runLightTest : runNodeTest)(path, name);
      for (const [way, { status, message }] of [
        ['read', result],
        ...Object.entries(result.roundTrips),
      ] as const)
        console.log([way, status, result.name, message.replace(/\s+/g, ' ')].join('\t'));
      results.push(result);
    }
    const ways = [
      ['read', results],
      ...writtenOpsets.map((opset) => [opset, trips(results, opset)] as const),
    ] as const;
    for (const [way, outcomes] of ways) {
      const count = (status: string) => outcomes.filter((outcome) => outcome.status === status).length;
      failed += count('failed');
      const counts = ['passed', 'differs', 'refused', 'failed', 'skipped'].map(
        (status) => `${count(status)} ${status}`,
      );
      summary.push(`${suite}, ${way}: ${counts.join(', ')} of ${outcomes.length}`);
    }
  }
  console.log(summary.join('\n'));
  process.exitCode = failed > 0 ? 1 : 0;
}

const trips = (results: readonly NodeTestResult[], opset: number) =>
  results.flatMap(({ roundTrips }) => roundTrips[opset] ?? []);

await main(process.argv.slice(2));
