import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { SymmetricQuantizer } from '../../examples/custom-quantizer/symmetric-quantizer.ts';
import { operators } from '../../lib/aten/index.ts';
import { exportModel } from '../../lib/capture/index.ts';
import { printGraph } from '../../lib/graph/index.ts';
import * as nn from '../../lib/nn/index.ts';
import { preparePt2e } from '../../lib/quantization/index.ts';

const F = nn.functional;
const root = fileURLToPath(new URL('../..', import.meta.url));

/** The model of script/goldens/xnnpack_quantizer.py. */
class Model extends nn.Module {
  readonly conv1 = new nn.Conv2d(3, 8, 3, { padding: 1 });
  readonly conv2 = new nn.Conv2d(8, 8, 3, { padding: 1 });
  readonly pool = new nn.MaxPool2d(2);
  readonly fc1 = new nn.Linear(8, 8);
  readonly fc2 = new nn.Linear(8, 4);
  override forward(input: nn.Value): nn.Value {
    const x = this.pool.call(F.relu(this.conv1.call(input)));
    const y = F.relu(F.add(this.conv2.call(x), x));
    return this.fc2.call(F.relu(this.fc1.call(F.flatten(F.adaptiveAvgPool2d(y, 1), 1))));
  }
}

describe('the example of a custom quantizer', () => {
  it('asks for what PyTorch’s XNNPACKQuantizer asks for, observer by observer', () => {
    const golden = JSON.parse(
      readFileSync(new URL('../fixtures/quantization/xnnpack_quantizer.json', import.meta.url), 'utf8'),
    );
    const x = { dtype: 'float32', shape: [1, 3, 8, 8] } as const;
    const prepared = preparePt2e(exportModel(new Model().eval(), { x }), new SymmetricQuantizer());
    expect(printGraph(prepared.graph, operators)).toBe(golden.prepared);
    const names = Object.keys(golden.same);
    const same = names.map((name) => [
      name,
      names.find((other) => prepared.module(other) === prepared.module(name)),
    ]);
    expect(Object.fromEntries(same)).toEqual(golden.same);
  });

  it('quantizes a trained network that then classifies as before', () => {
    const { stdout, stderr } = spawnSync(
      process.execPath,
      ['--import', 'tsx', 'examples/custom-quantizer/main.ts'],
      { cwd: root, encoding: 'utf8' },
    );
    expect(stderr).toBe('');
    // The stem, two convolutions in each of four blocks, two shortcuts, and the linear layer.
    expect(stdout).toContain('12 operators run in 8-bit integer kernels\n');
    const [, alike, all] = /^(\d+) of (\d+) images/m.exec(stdout)!.map(Number);
    // The demo's networks may lose half a percent; images on the border between two classes are a little more.
    expect(alike / all).toBeGreaterThan(0.98);
  });

  it('stays short enough to read at once', () => {
    const source = readFileSync(`${root}examples/custom-quantizer/symmetric-quantizer.ts`, 'utf8');
    expect(source.trimEnd().split('\n').length).toBeLessThan(120);
  });
});
