import { describe, expect, it } from 'vitest';
import { type FailedAttempt, type Host, loadFailure } from '../../lib/native/load-failure.ts';

const debian: Host = { platform: 'linux', arch: 'x64', glibc: '2.36' };

const attempt = (from: string, message: string, code = 'ERR_DLOPEN_FAILED'): FailedAttempt => ({
  from,
  error: Object.assign(new Error(message), { code }),
});
const notInstalled = (from: string) => attempt(from, `Cannot find module '${from}'`, 'MODULE_NOT_FOUND');
const nothingThere = [
  notInstalled('/app/build/Release/octavo.node'),
  notInstalled('@octavo/linux-x64-gnu'),
  notInstalled('@octavo/linux-x64-musl'),
];

describe('an addon that cannot be loaded', () => {
  it('has every cause told, place by place, and the system named', () => {
    const error = loadFailure(nothingThere, debian);
    expect(error.message.split('\n').slice(0, 4)).toEqual([
      "Octavo's native addon could not be loaded (linux x64, glibc 2.36):",
      "- /app/build/Release/octavo.node: Cannot find module '/app/build/Release/octavo.node'",
      "- @octavo/linux-x64-gnu: Cannot find module '@octavo/linux-x64-gnu'",
      "- @octavo/linux-x64-musl: Cannot find module '@octavo/linux-x64-musl'",
    ]);
    expect(error.cause).toBe(nothingThere[2].error);
  });

  it('keeps the first line of a cause: Node lists who required the module below it', () => {
    const error = loadFailure(
      [attempt('a', "Cannot find module 'a'\nRequire stack:\n- b", 'MODULE_NOT_FOUND')],
      debian,
    );
    expect(error.message).not.toContain('Require stack');
  });

  // Messages as the dynamic loader of glibc writes them.
  it.each([
    ['nothing is installed', nothingThere, debian, '--include=optional'],
    ['nothing is installed', nothingThere, debian, 'OCTAVO_BUILD_FROM_SOURCE=1'],
    ['a bundler took the file elsewhere', nothingThere, debian, '--external:octavo'],
    ['the system has musl', nothingThere, { ...debian, glibc: undefined }, 'this system has musl'],
    ['the CPU is another', nothingThere, { ...debian, arch: 'arm64' }, 'Linux on x86-64 CPUs only'],
    ['the system is another', nothingThere, { ...debian, platform: 'darwin' }, 'Linux on x86-64 CPUs only'],
    [
      'oneDNN is gone',
      [attempt('a', 'libdnnl.so.2: cannot open shared object file: No such file or directory')],
      debian,
      'install Debian',
    ],
    [
      'the system is older',
      [attempt('a', "/lib/x86_64-linux-gnu/libc.so.6: version `GLIBC_2.36' not found (required by a)")],
      { ...debian, glibc: '2.31' },
      'needs glibc 2.36',
    ],
    ['the file is cut off', [attempt('a', 'a: file too short')], debian, 'damaged'],
  ] as const)('%s', (_, attempts, host, advice) => {
    const { message } = loadFailure(attempts, host);
    expect(message.slice(message.indexOf('Possible solutions'))).toContain(advice);
  });

  it('gives no advice that does not help', () => {
    const { message } = loadFailure(nothingThere, { ...debian, arch: 'arm64' });
    expect(message).not.toContain('npm');
    expect(loadFailure([attempt('a', 'something else')], debian).message).not.toContain('Possible');
  });
});
