import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, vi } from 'vitest';
import { Progress } from '../../lib/cli/progress.ts';
import type { QuantizeStaticOptions } from '../../lib/recipes/index.ts';
import { octavoHere } from './octavo.ts';

vi.mock(import('../../lib/recipes/index.ts'), async (importOriginal) => ({
  ...(await importOriginal()),
  quantizeStatic: async (_model, _batches, options: QuantizeStaticOptions = {}) => {
    options.onTuned?.(1, 3);
    throw new Error('the second layer fails');
  },
}));

// A bar hides the terminal's cursor until it is stopped.
it('quantize --tune takes its bar off the terminal when a layer fails', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'octavo-cli-tuning-'));
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
    await rm(folder, { recursive: true });
  }
});
