import { spawnSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';

/** Runs a line of bash in which `octavo` is the command. */
function bash(line: string) {
  const script = `set -o pipefail; octavo() { '${process.execPath}' --import tsx lib/cli/main.ts "$@"; }; ${line}`;
  const { status, stderr } = spawnSync('bash', ['-c', script], { encoding: 'utf8' });
  return { status, stderr };
}

describe('octavo’s output', () => {
  it('may find nobody who reads it', () => {
    expect(bash('octavo info --json | true')).toEqual({ status: 0, stderr: '' });
  });

  it('says why it cannot be written', () => {
    const stderr = 'octavo: ENOSPC: no space left on device, write\n';
    expect(bash('octavo info --json > /dev/full')).toEqual({ status: 1, stderr });
  });
});
