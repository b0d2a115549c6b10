import type { About, Classification, Failure } from '../answers.ts';

/** A classification, and how long it took from here, on the way included. */
export interface Answer extends Classification {
  readonly roundTrip: number;
}

/** @throws Error (rejects) that people can read. */
export async function about(): Promise<About> {
  return answerOf(await ask('about'));
}

/** @throws Error (rejects) that people can read; the signal's reason when it is aborted. */
export async function classify(picture: Blob, signal: AbortSignal): Promise<Answer> {
  const begin = performance.now();
  const response = await ask('classify', { method: 'POST', body: picture, signal });
  const classification = await answerOf<Classification>(response);
  return { ...classification, roundTrip: performance.now() - begin };
}

/** A picture that the service has. */
export async function sample(url: string, signal: AbortSignal): Promise<Blob> {
  const response = await ask(url, { signal });
  return response.ok ? response.blob() : answerOf(response);
}

async function ask(path: string, options: RequestInit = {}): Promise<Response> {
  try {
    return await fetch(path, options);
  } catch (error) {
    if (options.signal?.aborted) throw error;
    throw new Error('The service does not answer. Is it running, and are you online?', { cause: error });
  }
}

async function answerOf<T>(response: Response): Promise<T> {
  if (response.ok) return response.json();
  const { error } = (await response.json().catch(() => ({ error: `status ${response.status}` }))) as Failure;
  throw new Error(error);
}
