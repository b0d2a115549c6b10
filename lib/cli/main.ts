#!/usr/bin/env node
// Imported late: when the native addon cannot be loaded, its message is all a user should see.
try {
  const { runCli } = await import('./program.ts');
  process.exitCode = await runCli(process.argv.slice(2));
} catch (error) {
  process.stderr.write(`octavo: ${(error as Error).message}\n`);
  process.exitCode = 1;
}
