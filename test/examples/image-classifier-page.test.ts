import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, BrowserContextOptions, FileChooser, Page } from 'playwright-core';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ClassifierService, glyphModel, serveClassifier } from '../../examples/image-classifier/main.ts';
import { startChromium } from '../support/chromium.ts';
import { violationsOf } from '../support/report-page.ts';

let folder: string;
let service: ClassifierService;
let browser: Browser;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'octavo-classifier-page-'));
  service = await serveClassifier(await glyphModel(folder), '127.0.0.1', 0);
  browser = await startChromium();
}, 60_000);
afterAll(async () => {
  await browser?.close();
  await service[Symbol.asyncDispose]();
  await rm(folder, { recursive: true });
});

/** The page in a browser, and what went on in it besides. */
interface OpenedPage extends AsyncDisposable {
  readonly page: Page;
  /** Messages on the console, and errors that nobody caught. */
  readonly messages: readonly string[];
  readonly requests: readonly string[];
  /** What the page let people choose files with. */
  readonly choosers: readonly FileChooser[];
}

async function open(options: BrowserContextOptions = {}): Promise<OpenedPage> {
  const context = await browser.newContext(options);
  const page = await context.newPage();
  const [messages, requests]: [string[], string[]] = [[], []];
  const choosers: FileChooser[] = [];
  page.on('filechooser', (chooser) => choosers.push(chooser));
  page.on('console', (message) => messages.push(message.text()));
  page.on('pageerror', ({ message }) => messages.push(message));
  page.on('request', (request) => requests.push(request.url()));
  await page.goto(service.url);
  await page.getByRole('button', { name: 'Sample R' }).waitFor();
  return { page, messages, requests, choosers, [Symbol.asyncDispose]: () => context.close() };
}

/** A photo of the letter F. */
async function photo(format: 'jpeg' | 'png' = 'jpeg'): Promise<Buffer> {
  const drawing =
    '<svg width="900" height="600"><path d="M360 500V120H560M360 300H520" stroke="#fff" stroke-width="60" fill="none"/></svg>';
  return sharp({ create: { width: 900, height: 600, channels: 3, background: '#204080' } })
    .composite([{ input: Buffer.from(drawing) }])
    .toFormat(format)
    .toBuffer();
}

const choose = (page: Page, name: string, mimeType: string, buffer: Buffer) =>
  page.getByLabel('Choose a file').setInputFiles({ name, mimeType, buffer });

/** Gives the page a JPEG file as the clipboard or a drag does. */
const give = (page: Page, event: 'paste' | 'drop', bytes: Buffer) =>
  page.evaluate(`{
    const bytes = Uint8Array.from(atob('${bytes.toString('base64')}'), (character) => character.charCodeAt(0));
    const data = new DataTransfer();
    data.items.add(new File([bytes], 'f.jpg', { type: 'image/jpeg' }));
    const made = '${event}' === 'paste'
      ? new ClipboardEvent('paste', { clipboardData: data, bubbles: true })
      : new DragEvent('drop', { dataTransfer: data, bubbles: true, cancelable: true });
    document.body.dispatchEvent(made);
  }`);

/** A busy machine takes its time. */
const eventually = <T>(read: () => T) => expect.poll(read, { timeout: 30_000 });

const best = (page: Page) => page.locator('.best');

describe('a picture', () => {
  it('is chosen, shown, and its classes are, with how long it took', async () => {
    await using opened = await open();
    const { page } = opened;
    expect(await page.getByText('The classes that fit best will stand here.').isVisible()).toBe(true);
    await page.getByText('Choose a file').click();
    await eventually(() => opened.choosers).toHaveLength(1);
    await opened.choosers[0].setFiles({ name: 'f.jpg', mimeType: 'image/jpeg', buffer: await photo() });
    await best(page).waitFor();
    expect(await best(page).textContent()).toBe('F');
    const rows = await page.locator('.classes li').allTextContents();
    expect(rows).toHaveLength(5);
    expect(rows[0]).toMatch(/^F\d+\.\d%$/);
    expect(await page.getByRole('status').textContent()).toMatch(/^F, \d+\.\d%$/);
    // A bar is as long as its class is likely, when it has grown. Percents have one digit after the point.
    const share =
      "parseFloat(getComputedStyle(document.querySelector('.bar'), '::before').width) / document.querySelector('.bar').clientWidth";
    const likely = Number(/([\d.]+)%$/.exec(rows[0])![1]) / 100;
    await eventually(() => page.evaluate(share)).toBeCloseTo(likely, 2);
    expect(await page.locator('.times dt').allTextContents()).toEqual(['Decode', 'Model', 'Round trip']);
    for (const time of await page.locator('.times dd').allTextContents())
      expect(time).toMatch(/^\d+(\.\d)? ms$/);
    const preview = page.getByRole('img', { name: 'What you chose' });
    expect(
      await preview.evaluate((image) => (image as unknown as { naturalWidth: number }).naturalWidth),
    ).toBe(900);
    expect(opened.messages).toEqual([]);
  });

  it.each(['paste', 'drop'] as const)('can come by %s', async (event) => {
    await using opened = await open();
    await give(opened.page, event, await photo());
    await best(opened.page).waitFor();
    expect(await best(opened.page).textContent()).toBe('F');
    expect(opened.messages).toEqual([]);
  });

  it('can be a sample, by keyboard alone, and then another', async () => {
    await using opened = await open();
    const { page } = opened;
    const focused = () => page.evaluate('document.activeElement.id || document.activeElement.firstChild.alt');
    await page.keyboard.press('Tab');
    expect(await focused()).toBe('file');
    await page.keyboard.press('Enter');
    await eventually(() => opened.choosers).toHaveLength(1);
    await page.keyboard.press('Tab');
    expect(await focused()).toBe('Sample F');
    await page.keyboard.press('Tab');
    await page.keyboard.press('Enter');
    await page.getByText('H', { exact: true }).first().waitFor();
    expect(await best(page).textContent()).toBe('H');
    await page.keyboard.press('Tab');
    await page.keyboard.press('Space');
    await eventually(() => best(page).textContent()).toBe('A');
    expect(opened.messages).toEqual([]);
  });

  it('that was given up does not come back over a later one', async () => {
    await using opened = await open();
    const { page } = opened;
    let release = () => {};
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    await page.route(
      '**/classify',
      async (route) => {
        await held;
        await route.continue().catch(() => {}); // its request is gone
      },
      { times: 1 },
    );
    await choose(page, 'f.jpg', 'image/jpeg', await photo());
    await page.locator('#result[aria-busy=true]').waitFor();
    expect(await page.getByRole('status').textContent()).toBe('Looking at the picture');
    await page.getByRole('button', { name: 'Sample R' }).click();
    await best(page).waitFor();
    release();
    // The service answers a later request after the one that was held.
    await page.getByRole('button', { name: 'Sample 8' }).click();
    await eventually(() => best(page).textContent()).toBe('8');
    expect(await page.locator('[role=alert]').textContent()).toBe('');
    expect(await page.locator('#result').getAttribute('aria-busy')).toBe('false');
  });
});

describe('what is no picture', () => {
  it('is said to be none, and the next one is looked at', async () => {
    await using opened = await open();
    const { page, messages } = opened;
    await choose(page, 'notes.txt', 'text/plain', Buffer.from('hello'));
    await eventually(() => page.getByRole('alert').textContent()).toBe(
      'This is no JPEG, PNG or WebP picture',
    );
    expect(await page.getByRole('img', { name: 'What you chose' }).isVisible()).toBe(false);
    expect(await page.getByText('Drop a picture here').isVisible()).toBe(true);
    expect(opened.requests.filter((url) => url.endsWith('/classify'))).toEqual([]);
    expect(messages).toEqual([]);
    await choose(page, 'f.png', 'image/png', await photo('png'));
    await best(page).waitFor();
    expect(await page.getByRole('alert').isVisible()).toBe(false);
  });

  it('shows what the service says of a damaged file, and of one that is too large', async () => {
    await using opened = await open();
    const { page } = opened;
    const bytes = await photo();
    await choose(page, 'half.jpg', 'image/jpeg', bytes.subarray(0, bytes.length / 2));
    const alert = page.getByRole('alert');
    await eventually(() => alert.textContent()).toMatch(/^The picture is damaged or incomplete: /);
    const large = join(folder, 'large.jpg');
    await writeFile(large, Buffer.alloc(11 * 2 ** 20));
    await page.getByLabel('Choose a file').setInputFiles(large);
    await eventually(() => alert.textContent()).toBe('The picture has 11 MiB; at most 10 MiB are read');
  });

  it('says that the service is away', async () => {
    await using opened = await open();
    const { page } = opened;
    await page.context().setOffline(true);
    await page.getByRole('button', { name: 'Sample R' }).click();
    await eventually(() => page.getByRole('alert').textContent()).toMatch(/^The service does not answer\./);
  });
});

describe('the page', () => {
  const phone = { viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true } as const;
  const wide = { viewport: { width: 1440, height: 900 } } as const;

  it.each([
    ['a phone, light', { ...phone, colorScheme: 'light' }],
    ['a phone, dark', { ...phone, colorScheme: 'dark' }],
    ['a wide screen, light', { ...wide, colorScheme: 'light' }],
    ['a wide screen, dark', { ...wide, colorScheme: 'dark' }],
  ] as const)('passes the rules of axe in each of its states on %s', async (_, options) => {
    await using opened = await open({ ...options, bypassCSP: true, reducedMotion: 'reduce' });
    const { page } = opened;
    const fits = async () =>
      expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(options.viewport.width);
    expect(await violationsOf(page)).toEqual([]);
    await fits();
    await page.getByRole('button', { name: 'Sample R' }).click();
    await best(page).waitFor();
    // The answer is in sight.
    await eventually(() =>
      best(page).evaluate(
        (it) =>
          (it as unknown as { getBoundingClientRect(): { bottom: number } }).getBoundingClientRect().bottom,
      ),
    ).toBeLessThan(options.viewport.height);
    expect(await violationsOf(page)).toEqual([]);
    await fits();
    await choose(page, 'notes.txt', 'text/plain', Buffer.from('hello'));
    await page.getByRole('alert').filter({ hasText: 'no JPEG' }).waitFor();
    expect(await violationsOf(page)).toEqual([]);
    await fits();
    expect(opened.messages).toEqual([]);
  });

  it('asks nobody but its own service, and may not', async () => {
    await using opened = await open();
    const { page } = opened;
    await page.getByRole('button', { name: 'Sample R' }).click();
    await best(page).waitFor();
    const elsewhere = opened.requests.filter(
      (url) => !url.startsWith(service.url) && !url.startsWith('blob:'),
    );
    expect(opened.requests.length).toBeGreaterThan(5);
    expect(elsewhere).toEqual([]);
    expect(opened.messages).toEqual([]);
    const refused = await page.evaluate(
      "fetch('http://127.0.0.1:9/').then(() => 'sent', ({ name }) => name)",
    );
    expect(refused).toBe('TypeError');
    expect(opened.messages.join()).toContain('Content Security Policy');
  });
});
