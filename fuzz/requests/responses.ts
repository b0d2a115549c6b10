/** One answer as it stood on the wire. */
export interface Response {
  readonly status: number;
  readonly headers: ReadonlyMap<string, string>;
  readonly body: Buffer;
}

const headEnd = Buffer.from('\r\n\r\n');

/**
 * Reads answers that follow each other; answers with which the server only says that it goes on are left out.
 * @returns them, and the bytes of one that is not complete.
 * @throws Error for bytes that are no answer of HTTP with a length.
 */
export function readResponses(bytes: Buffer): {
  readonly responses: readonly Response[];
  readonly rest: Buffer;
} {
  const responses: Response[] = [];
  let rest = bytes;
  for (;;) {
    const end = rest.indexOf(headEnd);
    if (end < 0) return { responses, rest };
    const [first, ...lines] = rest.toString('latin1', 0, end).split('\r\n');
    const status = Number(
      /^HTTP\/1\.1 (\d{3}) /.exec(first)?.[1] ?? fail(`the answer begins with ${JSON.stringify(first)}`),
    );
    const headers = new Map(lines.map((line) => headerOf(line)));
    const isInterim = status < 200;
    const length = isInterim
      ? 0
      : Number(headers.get('content-length') ?? fail(`the answer ${first} has no length`));
    const from = end + headEnd.length;
    if (rest.length < from + length) return { responses, rest };
    if (!isInterim) responses.push({ status, headers, body: rest.subarray(from, from + length) });
    rest = rest.subarray(from + length);
  }
}

function headerOf(line: string): readonly [string, string] {
  const colon = line.indexOf(':');
  if (colon < 1) fail(`the header ${JSON.stringify(line)} has no name`);
  return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()];
}

function fail(why: string): never {
  throw new Error(why);
}
