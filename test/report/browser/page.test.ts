import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { collectReport, type NodeFacts, type ReportFacts } from '../../../lib/report/index.ts';
import { startChromium } from '../../support/chromium.ts';
import { residual } from '../../support/report.ts';
import { openReport, violationsOf } from '../../support/report-page.ts';

let browser: Browser;
let facts: ReportFacts;
beforeAll(async () => {
  const { batches, ...models } = await residual();
  const collected = await collectReport(
    { ...models, batches: () => batches },
    { title: 'residual.octavo', command: 'octavo report residual.octavo' },
  );
  facts = {
    ...collected,
    accuracy: { model: { correct: 9, total: 10 }, reference: { correct: 10, total: 10 } },
    refusals: [{ node: 'softmax', pass: 'quantized-softmax', reason: 'the axis is not the last' }],
    accuracyControl: {
      ...{
        maxDrop: 0.5,
        isReached: true,
        floatMetric: 71.25,
        metric: 70.875,
        relativeTime: 0.4,
        inFloat: ['stem'],
        quantized: ['body', 'head'],
        returned: 2,
      },
      ranking: [],
      attempts: [
        {
          technique: 'quantize',
          detail: null,
          layers: [],
          outputError: 0.2,
          metric: 69,
          relativeTime: 0.3,
          isKept: true,
        },
        {
          technique: 'activation-range',
          detail: 'mse',
          layers: ['stem'],
          outputError: 0.25,
          metric: null,
          relativeTime: null,
          isKept: false,
        },
        {
          technique: 'float',
          detail: null,
          layers: ['stem'],
          outputError: 0.1,
          metric: 70.875,
          relativeTime: 0.4,
          isKept: true,
        },
      ],
    },
  };
  browser = await startChromium();
}, 60_000);
afterAll(() => browser?.close());

const phone = { viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true } as const;
const projector = { viewport: { width: 1920, height: 1080 } } as const;

describe('the page', () => {
  it.each([
    ['a phone, light', { ...phone, colorScheme: 'light' }],
    ['a phone, dark', { ...phone, colorScheme: 'dark' }],
    ['a projector, light', { ...projector, colorScheme: 'light' }],
    ['a projector, dark', { ...projector, colorScheme: 'dark' }],
  ] as const)('passes the rules of axe on %s', async (_, options) => {
    await using opened = await openReport(browser, facts, { ...options, bypassCSP: true });
    const { page } = opened;
    expect(await violationsOf(page)).toEqual([]);
    await page.locator('#layers .node-link').first().click();
    await page.locator('summary').click();
    expect(await violationsOf(page)).toEqual([]);
    // Nothing but tables, which have a scroll bar of their own, is wider than the screen.
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(options.viewport.width);
    expect(opened.messages).toEqual([]);
  });

  it('asks for nothing and says nothing on the console', async () => {
    await using opened = await openReport(browser, facts, { offline: true });
    await opened.page.locator('#roofline svg').waitFor();
    await opened.page.locator('#layers .node-link').first().click();
    await opened.page.locator('#details svg').first().waitFor();
    expect(opened.requests.filter((url) => !url.startsWith('data:'))).toEqual([]);
    expect(opened.messages).toEqual([]);
  });

  it('has a heading and a place in the list of sections for each part, and tells the facts', async () => {
    await using opened = await openReport(browser, facts);
    const { page } = opened;
    const sections = await page.locator('main h2').allTextContents();
    expect(sections).toEqual([
      ...['Network', 'Layers', 'Activations', 'Weights', 'Time', 'Lowering', 'Accuracy control', 'Setting'],
    ]);
    for (const name of sections) {
      const target = await page.getByRole('navigation').getByRole('link', { name }).getAttribute('href');
      expect(await page.locator(`main ${target} > h2`).textContent()).toBe(name);
    }
    const summary = await page.locator('.summary').innerText();
    expect(summary).toContain('90.00 %');
    expect(summary).toContain('float model 100.00 %');
    expect(await page.locator('#lowering').innerText()).toContain('the axis is not the last');
    const control = await page.locator('#accuracy-control').innerText();
    for (const part of ['70.88', '71.25', 'with stem in float', 'activation-range (mse)', 'the whole model'])
      expect(control).toContain(part);
    expect(await page.locator('#setting').innerText()).toContain('octavo report residual.octavo');
  });

  it('tells the SQNR of what the model returns, and of the last layer where that is not compared', async () => {
    const tile = async (shown: ReportFacts, name: string) => {
      await using opened = await openReport(browser, shown);
      return await opened.page.locator('.summary > div', { hasText: name }).innerText();
    };
    expect(await tile(facts, 'SQNR of the result')).toContain('with the errors of all layers');
    const head = facts.nodes.find(({ modulePath }) => modulePath === 'head')!;
    const unknown = facts.nodes.map(({ error, ...node }) =>
      error && node.name !== head.name ? { ...node, error } : node,
    );
    const last = await tile({ ...facts, nodes: unknown }, 'SQNR of the last layer');
    expect(last).toContain('flatten, with the errors of all layers');
    // Of several results the worst is told.
    const body = facts.nodes.find(({ modulePath }) => modulePath === 'body')!;
    const output = { ...facts.nodes.at(-1)!, name: 'output second', target: 'second', inputs: [body.name] };
    const two = await tile({ ...facts, nodes: [...facts.nodes, output] }, 'SQNR of the result');
    const worst = Math.min(Number(head.error!.together.sqnr), Number(body.error!.together.sqnr));
    expect(two).toContain(`${worst.toFixed(1)} dB`);
    expect(two).toContain('the worst of 2');
  });

  it('has room for names of 200 letters', async () => {
    const modulePath = 'a_very_long_name_mm_'.repeat(10);
    const long = { ...facts, nodes: facts.nodes.map((node) => ({ ...node, modulePath })) };
    await using opened = await openReport(browser, long, { viewport: { width: 1440, height: 900 } });
    for (const section of ['layers', 'weights', 'time']) {
      const share = await opened.page.evaluate(
        `document.querySelector('#${section} tbody th').offsetWidth / document.querySelector('#${section} .scroll').clientWidth`,
      );
      // The other columns have most of the table.
      expect(share).toBeLessThan(0.3);
    }
    const overflow = await opened.page.evaluate(
      `[...document.querySelectorAll('.node')].filter((node) =>
        node.querySelector('.title').getBBox().width > node.querySelector('.box').getBBox().width).length`,
    );
    expect(overflow).toBe(0);
  });

  it('is printed with every row of its tables', async () => {
    const many = { ...facts, refusals: Array.from({ length: 200 }, () => facts.refusals[0]) };
    await using opened = await openReport(browser, many);
    const { page } = opened;
    await page.emulateMedia({ media: 'print' });
    const hidden = await page.evaluate(
      "[...document.querySelectorAll('.scroll')].filter(({ scrollHeight, clientHeight }) => scrollHeight > clientHeight + 1).length",
    );
    expect(hidden).toBe(0);
    expect(await page.locator('.tools').isVisible()).toBe(false);
  });

  it('moves nothing by itself for those who want it so', async () => {
    const behavior = 'getComputedStyle(document.documentElement).scrollBehavior';
    await using calm = await openReport(browser, facts, { reducedMotion: 'reduce' });
    expect(await calm.page.evaluate(behavior)).toBe('auto');
    expect(
      await calm.page.evaluate("getComputedStyle(document.querySelector('.node')).transitionDuration"),
    ).toBe('0s');
    await using usual = await openReport(browser, facts, { reducedMotion: 'no-preference' });
    expect(await usual.page.evaluate(behavior)).toBe('smooth');
  });
});

describe('the graph', () => {
  const focused = 'document.activeElement.getAttribute("aria-label")';

  it('is walked and selected in by keyboard', async () => {
    await using opened = await openReport(browser, facts);
    const { page } = opened;
    await page.locator('[data-zoom=all]').focus();
    await page.keyboard.press('Tab');
    expect(await page.evaluate(focused)).toMatch(/^x input, float32 \[4, 3, 6, 6\]/);
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('ArrowDown');
    expect(await page.evaluate(focused)).toMatch(
      /^stem conv2d \+ relu, uint8 \[4, 8, 6, 6\], SQNR alone \d+\.\d dB/,
    );
    await page.keyboard.press('Enter');
    expect(await page.locator('#details h3').textContent()).toBe('stem');
    expect(await page.locator('.node[aria-pressed=true]').count()).toBe(1);
    await page.keyboard.press('End');
    expect(await page.evaluate(focused)).toMatch(/ output, float32 \[4, 5\]/);
    await page.keyboard.press('Home');
    await page.keyboard.press('ArrowUp');
    expect(await page.evaluate(focused)).toMatch(/^x input/);
    // One Tab leads out of it.
    await page.keyboard.press('Tab');
    expect(await page.evaluate('document.activeElement.id')).toBe('details');
  });

  it('shows shapes, scale, kernel, fused operators and module of the selected node', async () => {
    await using opened = await openReport(browser, facts);
    const { page } = opened;
    const node = facts.nodes.find(({ modulePath }) => modulePath === 'body')!;
    const step = facts.times.steps.find((each) => each.node === node.name)!;
    await page.locator('.node', { hasText: 'conv2d + add + relu' }).click();
    const text = await page.locator('#details').innerText();
    for (const part of [
      'body',
      'uint8 [4, 8, 6, 6]',
      String(Number(node.quantization!.scale.toPrecision(4))),
    ])
      expect(text).toContain(part);
    expect(text).toContain(`${step.op} ${step.implementation}`);
    expect(text).toContain(node.operators.map(({ name }) => name).join(', '));
    expect(await page.locator('#details svg[role=img]').count()).toBe(2);
  });

  it('dims what a search does not find, and goes to what it does', async () => {
    await using opened = await openReport(browser, facts);
    const { page } = opened;
    await page.locator('#search').fill('CONV2D');
    expect(await page.locator('#matches').textContent()).toBe(`2 of ${facts.nodes.length}`);
    expect(await page.locator('.node:not(.dimmed)').count()).toBe(2);
    await page.keyboard.press('Enter');
    await page.keyboard.press('Enter');
    expect(await page.locator('#details h3').textContent()).toBe('body');
    await page.locator('#search').fill('');
    expect(await page.locator('.dimmed').count()).toBe(0);
  });

  it('is zoomed by its buttons, and by the wheel only with a key', async () => {
    await using opened = await openReport(browser, facts, projector);
    const { page } = opened;
    const scale = async () =>
      Number(/scale\((.*)\)/.exec((await page.locator('#viewport').getAttribute('transform'))!)![1]);
    const first = await scale();
    await page.locator('[data-zoom=in]').click();
    expect(await scale()).toBeCloseTo(1.4 * first, 5);
    await page.locator('#graph').hover();
    await page.mouse.wheel(0, 100);
    expect(await scale()).toBeCloseTo(1.4 * first, 5);
    await page.keyboard.down('Control');
    await page.mouse.wheel(0, 100);
    await page.keyboard.up('Control');
    expect(await scale()).toBeLessThan(1.4 * first);
  });
});

describe('tables', () => {
  it('begin with the worst layer, and are sorted by the column that is pressed', async () => {
    await using opened = await openReport(browser, facts);
    const { page } = opened;
    const names = () => page.locator('#layers tbody th').allTextContents();
    const sqnr = ({ error }: NodeFacts) => Number(error?.alone.sqnr ?? Number.POSITIVE_INFINITY);
    const [worst] = facts.nodes.toSorted((a, b) => sqnr(a) - sqnr(b));
    const inOrder = await names();
    expect(inOrder[0]).toBe(worst.modulePath);
    const heading = page.locator('#layers thead th').filter({ hasText: 'SQNR alone' });
    expect(await heading.getAttribute('aria-sort')).toBe('ascending');
    await heading.getByRole('button').click();
    expect(await heading.getAttribute('aria-sort')).toBe('descending');
    const compared = facts.nodes.filter(({ error }) => error).length;
    expect((await names()).slice(0, compared)).toEqual(inOrder.slice(0, compared).reverse());
    // What is not compared stays at the end.
    expect((await names()).slice(compared).sort()).toEqual(inOrder.slice(compared).sort());
  });
});

describe('names from a hostile file', () => {
  const hostile = `</script><img src=x onerror="alert(1)"><!--<script>'"&`;

  it('are text, wherever they are shown', async () => {
    const bad: ReportFacts = {
      ...facts,
      title: hostile,
      command: hostile,
      nodes: facts.nodes.map((node) => ({ ...node, modulePath: hostile, target: hostile, dtype: hostile })),
      refusals: [{ node: hostile, pass: hostile, reason: hostile }],
    };
    await using opened = await openReport(browser, bad);
    const { page } = opened;
    await page.locator('#layers .node-link').nth(1).click();
    await page.locator('#roofline svg').waitFor();
    expect(await page.locator('h1').textContent()).toBe(hostile);
    expect(await page.locator('#details h3').textContent()).toBe(hostile);
    expect(await page.locator('img').count()).toBe(0);
    expect(opened.messages).toEqual([]);
  });

  it('cannot run a script, even if they were not escaped', async () => {
    await using opened = await openReport(browser, facts);
    await opened.page.evaluate(() => {
      const script = globalThis as unknown as { document: { body: { innerHTML: string } } };
      script.document.body.innerHTML = '<img src="data:," onerror="document.title = \'run\'">';
    });
    await opened.page.waitForTimeout(100);
    expect(await opened.page.title()).toBe('residual.octavo · Octavo report');
    expect(opened.messages.join()).toContain('Content Security Policy');
  });
});
