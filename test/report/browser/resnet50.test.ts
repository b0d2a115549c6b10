import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type ReportFacts, renderReport } from '../../../lib/report/index.ts';
import { startChromium } from '../../support/chromium.ts';
import { resnet50Facts } from '../../support/report.ts';
import { openReport, useReport, violationsOf } from '../../support/report-page.ts';

let browser: Browser;
let facts: ReportFacts;
beforeAll(async () => {
  facts = await resnet50Facts();
  browser = await startChromium();
}, 180_000);
afterAll(() => browser?.close());

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

it('opens and can be used', async () => {
  await using opened = await openReport(browser, facts, { viewport: { width: 1920, height: 1080 } });
  await useReport(opened.page);
  expect(opened.messages).toEqual([]);
});

it('passes the rules of axe', async () => {
  await using opened = await openReport(browser, facts, { bypassCSP: true });
  expect(await violationsOf(opened.page)).toEqual([]);
});
