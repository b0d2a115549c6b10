// The door to the native addon.
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import type { Addon } from './addon-types.ts';
import { type FailedAttempt, type Host, loadFailure } from './load-failure.ts';

const require = createRequire(import.meta.url);

/** The packages with an addon that is built already, each for another C library: npm installs the one that fits. */
const prebuiltPackages = ['@octavo/linux-x64-gnu', '@octavo/linux-x64-musl'];

// By the package's name: a bundler may move this file elsewhere.
const builtHere = join(dirname(require.resolve('octavo/package.json')), 'build/Release/octavo.node');

/**
 * How often an OpenMP thread checks for work before it sleeps, between two steps of a plan and after the last. libgomp
 * would spin 300,000 times: measured 20 ms of processor time after every request. 2000 are some 100 microseconds, which
 * bridges the gaps inside a plan.
 */
const spinCount = 2000;

/** libgomp reads its settings when it is loaded. A caller's own settings count; child processes inherit nothing. */
function withShortSpin<T>(load: () => T): T {
  if (process.env.GOMP_SPINCOUNT !== undefined || process.env.OMP_WAIT_POLICY !== undefined) return load();
  process.env.GOMP_SPINCOUNT = String(spinCount);
  try {
    return load();
  } finally {
    delete process.env.GOMP_SPINCOUNT;
  }
}

/** Whoever built the addon here wants that one. */
function load(): Addon {
  const failed: FailedAttempt[] = [];
  for (const from of [builtHere, ...prebuiltPackages])
    try {
      return withShortSpin(() => require(from) as Addon);
    } catch (error) {
      failed.push({ from, error: error as Error });
    }
  throw loadFailure(failed, host());
}

function host(): Host {
  const { header } = process.report.getReport() as unknown as {
    readonly header: { readonly glibcVersionRuntime?: string };
  };
  return { platform: process.platform, arch: process.arch, glibc: header.glibcVersionRuntime };
}

/** The loaded addon. Importing this module loads it. */
export const addon: Addon = load();
