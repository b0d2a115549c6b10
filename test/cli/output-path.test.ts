import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { octavoHere } from './octavo.ts';

describe('a path that cannot be written', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'octavo-cli-path-'));
  });
  afterAll(() => rm(folder, { recursive: true }));

  const commands = [
    ['bench', 'models/glyph_resnet.pt2', '--runs', '1', '--trace'],
    // Data that are not there would be found out next.
    ['quantize', 'models/glyph_resnet.pt2', '--calib', 'nowhere.npz', '--out'],
  ] as const;
  const paths = [
    [
      'no/such/folder/file',
      /^octavo: --(out|trace) .*file could not be written: there is no folder .*such\/folder$/m,
    ],
    ['', /^octavo: --(out|trace) .* could not be written: it is a folder$/m],
  ] as const;

  it.each(commands.flatMap((command) => paths.map(([name, message]) => ({ command, name, message }))))(
    '$name is found out before $command.0 begins its work',
    async ({ command, name, message }) => {
      const { code, stdout, stderr } = await octavoHere(...command, join(folder, name));
      expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
      expect(stderr).toMatch(message);
      const left = (await readdir(tmpdir())).filter((each) => each.startsWith(basename(folder)));
      expect(left).toEqual([basename(folder)]);
    },
  );
});
