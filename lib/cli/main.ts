#!/usr/bin/env node
const fail = ({ message }: Error) => {
  process.stderr.write(`octavo: ${message}\n`);
  process.exitCode = 1;
};
// Whoever reads the result may have seen enough of it, as `head` has: that is no failure.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') fail(error);
});
// Imported late: when the native addon cannot be loaded, its message is all a user should see.
try {
  const { runCli } = await import('./commands.ts');
  const code = await runCli(process.argv.slice(2));
  process.exitCode ??= code;
} catch (error) {
  fail(error as Error);
}
