import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { AxeResults } from 'axe-core';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { type ReportFacts, renderReport } from '../../lib/report/index.ts';

/** A report in a browser, and what went on in it besides. */
export interface OpenedReport extends AsyncDisposable {
  readonly page: Page;
  /** Messages on the console, and errors that nobody caught. */
  readonly messages: readonly string[];
  /** Addresses that were asked for, without the page's own. */
  readonly requests: readonly string[];
}

/** Writes a report to a file of its own and opens that. */
export async function openReport(
  browser: Browser,
  facts: ReportFacts,
  options: BrowserContextOptions = {},
): Promise<OpenedReport> {
  const folder = await mkdtemp(join(tmpdir(), 'octavo-report-'));
  const path = join(folder, 'report.html');
  await writeFile(path, await renderReport(facts));
  const context = await browser.newContext(options);
  const page = await context.newPage();
  const messages: string[] = [];
  const requests: string[] = [];
  const url = pathToFileURL(path).href;
  page.on('console', (message) => messages.push(message.text()));
  page.on('pageerror', ({ message }) => messages.push(message));
  page.on('dialog', (dialog) => {
    messages.push(`dialog: ${dialog.message()}`);
    void dialog.dismiss();
  });
  page.on('request', (request) => {
    if (request.url() !== url) requests.push(request.url());
  });
  await page.goto(url);
  return {
    page,
    messages,
    requests,
    async [Symbol.asyncDispose]() {
      await context.close();
      await rm(folder, { recursive: true });
    },
  };
}

/** Opens the page anew, until all is drawn, and asks for a node's details. */
export async function useReport(page: Page): Promise<void> {
  await page.reload();
  await page.locator('#roofline svg').waitFor();
  await page.locator('.node').first().click();
  await page.locator('#details dl').waitFor();
}

/** What axe finds wrong. The page's policy allows no script but its own, so it must be opened with `bypassCSP`. */
export async function violationsOf(page: Page): Promise<readonly string[]> {
  await page.addScriptTag({ path: createRequire(import.meta.url).resolve('axe-core/axe.min.js') });
  const { violations } = await page.evaluate(() =>
    (globalThis as unknown as { axe: { run(): Promise<AxeResults> } }).axe.run(),
  );
  return violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' | ')}`);
}
