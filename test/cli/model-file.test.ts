import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openModel } from '../../lib/cli/model-file.ts';
import { untuned } from '../../lib/runtime/decisions.ts';
import { type CompileOptions, compile } from '../../lib/runtime/index.ts';
import { convNet } from '../support/models.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'octavo-cli-model-'));
});
afterAll(() => rm(folder, { recursive: true }));

async function saved(options: CompileOptions): Promise<string> {
  const path = join(folder, 'model.octavo');
  using model = compile(convNet(), options);
  await model.save(path);
  return path;
}

describe('openModel', () => {
  it('runs a saved model as it was tuned', async () => {
    const threads = [{ shapes: [[2, 3, 8, 8]], choice: 1, times: {} }];
    const path = await saved({ tuning: { ...untuned, threads } });
    const { model } = await openModel(path, { threads: 2 });
    expect(model.tuning.threads).toEqual(threads);
    model.dispose();
  });
});
