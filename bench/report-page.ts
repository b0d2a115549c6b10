/**
 * `npm run bench:report`: milliseconds until the report of ResNet-50 is drawn and has answered a click, in Chromium at 1920 x 1080: the median
 * of some navigations, and the fastest. `--rounds` changes their number.
 */
import { parseArgs } from 'node:util';
import { median } from '../lib/statistics.ts';
import { startChromium } from '../test/support/chromium.ts';
import { resnet50Facts } from '../test/support/report.ts';
import { openReport, useReport } from '../test/support/report-page.ts';

const { rounds } = parseArgs({ options: { rounds: { type: 'string', default: '15' } } }).values;
const browser = await startChromium();
try {
  await using opened = await openReport(browser, await resnet50Facts(), {
    viewport: { width: 1920, height: 1080 },
  });
  const times: number[] = [];
  for (let i = 0; i < Number(rounds); i++) {
    const start = performance.now();
    await useReport(opened.page);
    times.push(performance.now() - start);
  }
  console.log(`median ${median(times).toFixed(0)} ms, fastest ${Math.min(...times).toFixed(0)} ms`);
} finally {
  await browser.close();
}
