import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { type NodeTestResult, runLightTest, runNodeTest } from './node-test.ts';

/**
 * Runs ONNX's own tests and prints how they came out, one a line, with a summary a suite:
 *
 *     npx tsx test/onnx-nodes/table.ts FOLDER [PATTERN]
 *
 * FOLDER holds the suites (`node`, `simple`, …), as in Debian's package libonnx-testdata under
 * /usr/share/libonnx-testdata/data; PATTERN is a part of a test's name. A test is refused where loadOnnx says that it cannot
 * read it, failed where the result is another one, and skipped where its data is wrong. Exit code 1: something failed.
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
      console.log([result.status, result.name, result.message.replace(/\s+/g, ' ')].join('\t'));
      results.push(result);
    }
    const count = (status: string) => results.filter((result) => result.status === status).length;
    failed += count('failed');
    const counts = ['passed', 'refused', 'failed', 'skipped'].map((status) => `${count(status)} ${status}`);
    summary.push(`${suite}: ${counts.join(', ')} of ${results.length}`);
  }
  console.log(summary.join('\n'));
  process.exitCode = failed > 0 ? 1 : 0;
}

await main(process.argv.slice(2));
