import { randomUUID } from 'node:crypto';

/** What logs and headers can hold without harm. */
const form = /^[!-~]{1,128}$/;

/** The id that a request is known by in logs: the one of its header `x-request-id`, or a new one if that is missing, longer than 128 characters or has others than visible ASCII. */
export const requestId = (given: string | readonly string[] | undefined): string =>
  typeof given === 'string' && form.test(given) ? given : randomUUID();
