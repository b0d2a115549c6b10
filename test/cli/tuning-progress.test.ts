import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, vi } from 'vitest';
import type { QuantizeStaticOptions } from '../../lib/recipes/index.ts';

/** The command with a tuning that fails after one of three layers, and the class of its bars. */
async function commandThatFails() {
  // Other files of this process have imported the command with the real one.
  vi.resetModules();
  vi.doMock(import('../../lib/recipes/index.ts'), async (importOriginal) => ({
    ...(await importOriginal()),
    quantizeStatic: async (_model, _batches, options: QuantizeStaticOptions = {}) => {
      options.onTuned?.(1, 3);
      throw new Error('the second layer fails');
    },
  }));
  const { octavoHere } = await import('./octavo.ts');
  return { octavoHere, Progress: (await import('../../lib/cli/progress.ts')).Progress };
}

// A bar hides the terminal's cursor until it is stopped.
it('quantize --tune takes its bar off the terminal when a layer fails', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'octavo-cli-tuning-'));
  const { octavoHere, Progress } = await commandThatFails();
  const stop = vi.spyOn(Progress.prototype, 'stop');
  try {
    const { code, stderr } = await octavoHere(
      ...['quantize', 'models/glyph_resnet.pt2', '--calib', 'models/glyphs/calib.npz'],
      ...['--out', join(folder, 'tuned.octavo'), '--tune'],
    );
    expect({ code, stderr }).toEqual({ code: 1, stderr: 'octavo: the second layer fails\n' });
    expect(stop).toHaveBeenCalledOnce();
  } finally {
    stop.mockRestore();
    vi.doUnmock('../../lib/recipes/index.ts');
    vi.resetModules();
    await rm(folder, { recursive: true });
  }
});
