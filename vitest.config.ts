import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

/** Examples import the package by its name, as users do; tests give them its sources, as tsconfig.json does. */
const source = (path: string) => fileURLToPath(new URL(path, import.meta.url));

export default defineConfig({
  resolve: {
    alias: [
      { find: /^octavo$/, replacement: source('./lib/index.ts') },
      {
        find: /^octavo\/(data|eager|nn|numerics|onednn|report|runtime|training)$/,
        replacement: source('./lib/$1/index.ts'),
      },
      { find: /^octavo\/server$/, replacement: source('./lib/serve/index.ts') },
    ],
  },
  test: {
    include: ['test/**/*.test.ts'],
    // Native code runs in forks: a crash takes down one process and is reported, not the whole run.
    pool: 'forks',
    // Files share a process, and the library that it has imported: a third of all time, when each imported its own.
    isolate: false,
    maxWorkers: 2,
    testTimeout: 60_000,
    // Continuous integration sums up the results of several systems.
    reporters: process.env.CI
      ? ['default', ['json', { outputFile: 'build/test-results.json' }]]
      : ['default'],
  },
});
