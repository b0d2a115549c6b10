import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { type Browser, chromium } from 'playwright-core';

const names = ['chromium', 'chromium-browser', 'google-chrome'];

/**
 * Starts the Chromium that the system has.
 * @throws Error that says how to get one.
 */
export async function startChromium(): Promise<Browser> {
  const folders = (process.env.PATH ?? '').split(delimiter);
  const executablePath = folders
    .flatMap((folder) => names.map((name) => join(folder, name)))
    .find(isExecutable);
  if (!executablePath)
    throw new Error(
      `pages are tested in Chromium, and there is none of ${names.join(', ')} in PATH; on Debian: sudo apt-get install -y chromium`,
    );
  // Root has no sandbox, and the pages are the project's own.
  return chromium.launch({ executablePath, args: process.getuid?.() === 0 ? ['--no-sandbox'] : [] });
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
