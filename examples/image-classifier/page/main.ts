import type { About } from '../answers.ts';
import { element } from './element.ts';
import { showAnswer, showError, showWaiting } from './result-view.ts';
import { about, classify, sample } from './service.ts';

const stage = element('#stage');
const preview = element<HTMLImageElement>('#preview');
const invitation = element('#invitation');
const file = element<HTMLInputElement>('#file');

/** As soon as it is known. */
let mostBytes = Number.POSITIVE_INFINITY;
let current = new AbortController();

/** Shows a picture and what is in it. The one that was looked at before is given up. */
async function look(pictureOf: (signal: AbortSignal) => Blob | Promise<Blob>): Promise<void> {
  current.abort();
  current = new AbortController();
  const { signal } = current;
  showWaiting();
  try {
    const picture = await pictureOf(signal);
    signal.throwIfAborted();
    showPreview(picture);
    if (!file.accept.split(',').includes(picture.type))
      throw new Error('this is no JPEG, PNG or WebP picture');
    if (picture.size > mostBytes)
      throw new Error(`the picture has ${megabytes(picture.size)}; at most ${megabytes(mostBytes)} are read`);
    showAnswer(await classify(picture, signal));
  } catch (error) {
    if (!signal.aborted) showError(error as Error);
  }
}

const megabytes = (bytes: number) => `${(bytes / 2 ** 20).toFixed(bytes % 2 ** 20 === 0 ? 0 : 1)} MiB`;

function showPreview(picture: Blob): void {
  URL.revokeObjectURL(preview.src);
  preview.src = URL.createObjectURL(picture);
  hasPreview(true);
}

function hasPreview(has: boolean): void {
  preview.hidden = !has;
  invitation.hidden = has;
}

// What is no picture has none.
preview.addEventListener('error', () => hasPreview(false));
preview.addEventListener('load', () => {
  const { naturalWidth, naturalHeight } = preview;
  preview.classList.toggle('small', Math.max(naturalWidth, naturalHeight) <= 64);
});

function lookAtFirst(files: FileList | undefined | null): void {
  const first = files?.[0];
  if (first) void look(() => first);
}

file.addEventListener('change', () => {
  lookAtFirst(file.files);
  // So that the same file can be chosen again.
  file.value = '';
});
document.addEventListener('paste', ({ clipboardData }) => lookAtFirst(clipboardData?.files));
document.addEventListener('dragover', (event) => {
  event.preventDefault();
  stage.classList.add('over');
});
document.addEventListener('dragleave', ({ relatedTarget }) => {
  if (!relatedTarget) stage.classList.remove('over');
});
document.addEventListener('drop', (event) => {
  event.preventDefault();
  stage.classList.remove('over');
  lookAtFirst(event.dataTransfer?.files);
});

function introduce({ model, labels, mostBytes: most, samples }: About): void {
  mostBytes = most;
  element('#about').textContent =
    `The network “${model}”, in 8-bit integers, knows ${labels.length} classes, from “${labels[0]}” to “${labels.at(-1)}”.`;
  element('#limits').textContent = `JPEG, PNG or WebP, up to ${megabytes(most)}`;
  element('#samples').hidden = samples.length === 0;
  element('#samples ul').replaceChildren(
    ...samples.map(({ url, description }) => sampleButton(url, description)),
  );
}

function sampleButton(url: string, description: string): HTMLElement {
  const picture = document.createElement('img');
  picture.src = url;
  picture.alt = `Sample ${description}`;
  const button = document.createElement('button');
  button.type = 'button';
  button.append(picture);
  button.addEventListener('click', () => void look((signal) => sample(url, signal)));
  const item = document.createElement('li');
  item.append(button);
  return item;
}

about().then(introduce, showError);
