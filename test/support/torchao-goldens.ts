import { readFileSync } from 'node:fs';
import type { GraphModule } from '../../lib/graph/index.ts';
import { Tensor } from '../../lib/tensor/index.ts';
import { printAnnotations } from './pt2e-goldens.ts';

/** What torchao 0.19 with PyTorch 2.14 made of a model: test/fixtures/torchao/. */
const fixture = (path: string) => new URL(`../fixtures/torchao/${path}`, import.meta.url);

export const torchaoFile = (path: string) => fixture(path).pathname;

/** `ExportedProgram.module()` puts a number behind the name of an input that is a Python function's, too. */
const text = (path: string) =>
  readFileSync(fixture(path), 'utf8')
    .trimEnd()
    .replace(/\binput_1\b/g, 'input');

export const torchaoJson = <T>(path: string) => JSON.parse(text(path)) as T;

/** A float32 array with its shape beside it. */
export function torchaoTensor(path: string): Tensor {
  const { shape } = torchaoJson<{ shape: number[] }>(`${path}.json`);
  return Tensor.fromBytes('float32', new Uint8Array(readFileSync(fixture(`${path}.bin`))), shape);
}

/**
 * PyTorch's printout, without the call that `ExportedProgram.module()` adds to the program as it was saved: it checks the
 * input, of which it is a user.
 */
export function torchaoGraph(path: string): string {
  const lines = text(path).split('\n');
  const checked = lines
    .find((line) => line.includes('[target=_guards_fn]'))
    ?.match(/args = \((%\w+),\)/)?.[1];
  return lines
    .filter((line) => !line.includes('[target=_guards_fn]'))
    .map((line) =>
      line.trimStart().startsWith(`${checked} : `)
        ? line.replace(/num_users=(\d+)/, (_, users: string) => `num_users=${Number(users) - 1}`)
        : line,
    )
    .join('\n');
}

/** All annotations as the goldens list them: of specifications, the class. */
export function listAnnotations(module: GraphModule): object[] {
  const classOf = (spec: string) => (spec === 'None' ? null : spec.slice(0, spec.indexOf('(')));
  return printAnnotations(module).map(({ node, target, inputs, output }) => ({
    node,
    target,
    inputs: Object.fromEntries(Object.entries(inputs).map(([input, spec]) => [input, classOf(String(spec))])),
    output: classOf(String(output)),
  }));
}
