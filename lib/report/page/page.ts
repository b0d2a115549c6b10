import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import type { ReportFacts } from '../facts.ts';
import { accuracyControlSection } from './accuracy-control.ts';
import { activationsSection } from './activations.ts';
import { html, json, Markup } from './html.ts';
import { layersSection } from './layers.ts';
import { loweringSection } from './lowering.ts';
import { networkSection } from './network.ts';
import { settingSection } from './setting.ts';
import { summary } from './summary.ts';
import { timeSection } from './time.ts';
import { weightsSection } from './weights.ts';

/**
 * The report as one HTML page that needs nothing else: no network, no other file. All names in it are escaped, and the page allows no script
 * but its own.
 *
 * @example
 * await writeFile('report.html', await renderReport(await collectReport({ reference, model, batches: () => examples })));
 *
 * @throws Error (rejects) when the package was not built: the page's script is bundled then.
 */
export async function renderReport(facts: ReportFacts): Promise<string> {
  const [script, style] = await Promise.all(['browser.js', 'style.css'].map(readBuilt));
  const sections = [
    ['Network', networkSection(facts)],
    ['Layers', layersSection(facts)],
    ['Activations', activationsSection(facts)],
    ['Weights', weightsSection(facts)],
    ['Time', timeSection(facts)],
    ['Lowering', loweringSection(facts)],
    ['Accuracy control', facts.accuracyControl && accuracyControlSection(facts.accuracyControl)],
    ['Setting', settingSection(facts)],
  ] as const;
  const present = sections.filter(([, section]) => section);
  const { text } = html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; script-src 'sha256-${hashOf(script)}'; style-src 'unsafe-inline'; img-src data:">
<link rel="icon" href="data:,">
<title>${facts.title} · Octavo report</title>
<style>${new Markup(style)}</style>
</head>
<body>
<a class="skip" href="#network">Skip to the network</a>
<header>
<h1>${facts.title}</h1>
${summary(facts)}
<nav aria-label="Sections"><ul>${present.map(([name]) => html`<li><a href="#${name.toLowerCase().replace(' ', '-')}">${name}</a></li>`)}</ul></nav>
</header>
<main>
${present.map(([, section]) => section)}
</main>
<footer><p>Made by Octavo ${facts.machine.octavo}. The facts of this page are in it as JSON, and <code>--json</code> prints them.</p></footer>
<script type="application/json" id="facts">${json(facts)}</script>
<script>${new Markup(script)}</script>
</body>
</html>
`;
  return text;
}

const hashOf = (script: string) => createHash('sha256').update(script).digest('base64');

/** A file that script/build-typescript makes of browser/. */
async function readBuilt(name: string): Promise<string> {
  const root = dirname(createRequire(import.meta.url).resolve('octavo/package.json'));
  const path = join(root, 'dist/report', name);
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    throw new Error(`${path} is missing: it is made with the rest of dist/, by npm run build:ts`, {
      cause: error,
    });
  }
}
