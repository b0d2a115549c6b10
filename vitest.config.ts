import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    // Native code runs in forks: a crash takes down one file's process and is reported, not the whole run.
    pool: 'forks',
    maxWorkers: 2,
    testTimeout: 60_000,
    // Continuous integration sums up the results of several systems.
    reporters: process.env.CI
      ? ['default', ['json', { outputFile: 'build/test-results.json' }]]
      : ['default'],
  },
});
