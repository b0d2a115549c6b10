// The door to the native addon.
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import type { Addon } from './addon-types.ts';

const require = createRequire(import.meta.url);
// By the package's name: a bundler may move this file elsewhere.
const path = join(dirname(require.resolve('octavo/package.json')), 'build/Release/octavo.node');

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

function load(): Addon {
  try {
    return withShortSpin(() => require(path) as Addon);
  } catch (error) {
    throw new Error(
      `Octavo's native addon could not be loaded from ${path}: ${(error as Error).message}\n` +
        'Possible solutions:\n' +
        '- it was never built: run "npm run build:native" in the package (needs g++, cmake and libdnnl-dev)\n' +
        '- oneDNN is missing: install Debian or Ubuntu package libdnnl-dev\n' +
        '- the system was upgraded since the build: remove the folder "build" and build again',
      { cause: error },
    );
  }
}

/** The loaded addon. Importing this module loads it. */
export const addon: Addon = load();
