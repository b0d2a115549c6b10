import { element } from './element.ts';
import type { Answer } from './service.ts';

const result = element('#result');
/** For those who do not see the page. */
const status = element('[role=status]');
const error = element('[role=alert]');
const best = element('.best');
const classes = element('.classes');
const times = element('.times');

const percent = new Intl.NumberFormat('en', {
  style: 'percent',
  minimumFractionDigits: 1,
  maximumFractionDigits: 1,
});
const milliseconds = (time: number) => `${time < 10 ? time.toFixed(1) : time.toFixed(0)} ms`;

/** What was shown before stays, faint: most answers come in the blink of an eye. */
export function showWaiting(): void {
  result.ariaBusy = 'true';
  error.textContent = '';
  status.textContent = 'Looking at the picture';
}

export function showError({ message }: Error): void {
  status.textContent = '';
  error.textContent = `${message[0].toUpperCase()}${message.slice(1)}`;
  show('error');
}

export function showAnswer({ classes: likeliest, milliseconds: { decode, model }, roundTrip }: Answer): void {
  const [first] = likeliest;
  status.textContent = `${first.label}, ${percent.format(first.probability)}`;
  best.textContent = first.label;
  classes.replaceChildren(...likeliest.map(({ label, probability }) => row(label, probability)));
  times.replaceChildren(
    named('Decode', milliseconds(decode)),
    named('Model', milliseconds(model)),
    named('Round trip', milliseconds(roundTrip)),
  );
  show('answer');
}

function show(state: 'error' | 'answer'): void {
  result.ariaBusy = 'false';
  result.dataset.state = state;
  // On a phone it is below the picture.
  result.scrollIntoView({ block: 'nearest' });
}

function row(label: string, probability: number): HTMLElement {
  const bar = document.createElement('span');
  bar.className = 'bar';
  bar.style.setProperty('--share', String(probability));
  const item = document.createElement('li');
  item.append(text('span', label), bar, text('span', percent.format(probability)));
  return item;
}

function named(name: string, value: string): HTMLElement {
  const group = document.createElement('div');
  group.append(text('dt', name), text('dd', value));
  return group;
}

function text(name: string, content: string): HTMLElement {
  const made = document.createElement(name);
  made.textContent = content;
  return made;
}
