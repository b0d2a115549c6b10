import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { referenceModels } from '../../../bench/models/index.ts';
import { manualSeed } from '../../../lib/nn/index.ts';
import { collectReport, type ReportFacts, renderReport } from '../../../lib/report/index.ts';
import { startChromium } from '../../support/chromium.ts';
import { uniform } from '../../support/graph-builder.ts';
import { quantized } from '../../support/report.ts';
import { openReport, violationsOf } from '../../support/report-page.ts';

let browser: Browser;
let facts: ReportFacts;
beforeAll(async () => {
  manualSeed(0);
  // Small images: the page has as much to show, and the test less to compute.
  const { batches, ...models } = await quantized(referenceModels.resnet50(), [
    uniform([1, 3, 64, 64], -1, 1, 1),
  ]);
  facts = await collectReport({ ...models, batches: () => batches }, { title: 'resnet50' });
  browser = await startChromium();
}, 180_000);
afterAll(() => browser?.close());

/** Milliseconds from the navigation to the frame in which everything is drawn and answers. */
async function timeToUse(page: Page): Promise<number> {
  const start = performance.now();
  await page.reload();
  await page.locator('#roofline svg').waitFor();
  await page.locator('.node').first().click();
  await page.locator('#details dl').waitFor();
  return performance.now() - start;
}

it('has a node for each of the 53 convolutions, with errors, ranges and weights', () => {
  const convolutions = facts.nodes.filter(({ operators }) =>
    operators.some(({ target }) => target === 'aten.conv2d.default'),
  );
  expect(convolutions).toHaveLength(53);
  for (const { error, quantization, histogram, weight, modulePath } of convolutions) {
    expect({ error, quantization, histogram, weight }).not.toContain(undefined);
    expect(modulePath).toMatch(/conv|downsample/);
  }
});

it('is smaller than 3 MB', async () => {
  expect(Buffer.byteLength(await renderReport(facts))).toBeLessThan(3e6);
});

it('opens and can be used within a second', async () => {
  await using opened = await openReport(browser, facts, { viewport: { width: 1920, height: 1080 } });
  const times: number[] = [];
  // Other work on the machine only adds to the time.
  for (let i = 0; i < 5; i++) times.push(await timeToUse(opened.page));
  expect(Math.min(...times)).toBeLessThan(1000);
  expect(opened.messages).toEqual([]);
});

it('passes the rules of axe', async () => {
  await using opened = await openReport(browser, facts, { bypassCSP: true });
  expect(await violationsOf(opened.page)).toEqual([]);
});
