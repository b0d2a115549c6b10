import { createHash, timingSafeEqual } from 'node:crypto';

/** What RFC 6750 lets stand behind `Bearer`. */
const form = /^[\w.~+/-]+=*$/;

/**
 * A secret that clients show in `authorization`, the header of HTTP or the metadata of gRPC. `serve` has the option `token`; this is for a
 * server of one's own.
 *
 * @example
 * const token = new BearerToken(process.env.TOKEN!);
 * app.addHook('onRequest', async ({ headers }, reply) => {
 *   if (!token.accepts(headers.authorization)) return reply.status(401).send({ error: 'the token is missing, or wrong' });
 * });
 */
export class BearerToken {
  #digest: Buffer;

  /** @throws Error when no header can hold it. */
  constructor(token: string) {
    this.#digest = digestOf(checked(token));
  }

  /**
   * Another one is accepted from now on, and the old one is not.
   * @throws Error as the constructor; then the old one stays.
   */
  replace(token: string): void {
    this.#digest = digestOf(checked(token));
  }

  /**
   * Whether a client has shown it. How long that takes says nothing about the token.
   * @param authorization as `Bearer 5f2c…`; undefined where the client has sent none.
   */
  accepts(authorization: string | undefined): boolean {
    const [, shown] = /^Bearer +(\S+) *$/i.exec(authorization ?? '') ?? [];
    return shown !== undefined && timingSafeEqual(digestOf(shown), this.#digest);
  }
}

function checked(token: string): string {
  if (form.test(token)) return token;
  throw new Error(
    "the token must have letters of a to z, digits, and '-', '.', '_', '~', '+', '/', with '=' at its end only; `openssl rand -hex 32` makes one",
  );
}

/** As many bytes for every token: only these can be compared in a time that says nothing. */
const digestOf = (token: string) => createHash('sha256').update(token).digest();
