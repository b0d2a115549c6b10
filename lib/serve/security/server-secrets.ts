import type { ServeOptions } from '../serve-options.ts';
import { BearerToken } from './bearer-token.ts';
import { readTlsFiles, type TlsSecrets } from './tls-files.ts';
import { readTokenFile } from './token-file.ts';

/** What a server shows clients to be known by, and what they have to show. */
export class ServerSecrets {
  readonly #files: Pick<ServeOptions, 'tls' | 'token'>;
  /** Those that it starts with. */
  readonly tls: TlsSecrets | undefined;
  /** Undefined: no token is asked for. */
  readonly token: BearerToken | undefined;

  private constructor(
    files: Pick<ServeOptions, 'tls' | 'token'>,
    tls: TlsSecrets | undefined,
    token: BearerToken | undefined,
  ) {
    this.#files = files;
    this.tls = tls;
    this.token = token;
  }

  /** @throws Error (rejects) that says what cannot be read, or does not go together. */
  static async read({ tls, token }: Pick<ServeOptions, 'tls' | 'token'>): Promise<ServerSecrets> {
    const shown = typeof token === 'object' ? await readTokenFile(token) : token;
    const bearer = shown === undefined ? undefined : new BearerToken(shown);
    return new ServerSecrets({ tls, token }, tls && (await readTlsFiles(tls)), bearer);
  }

  /**
   * Reads the files again: those of TLS for whoever calls, and the token, which is asked for from now on.
   * @throws Error (rejects) as `read`, or when there is no file; then all stays as it is.
   */
  async reload(): Promise<TlsSecrets | undefined> {
    const { tls, token } = this.#files;
    if (!tls && typeof token !== 'object')
      throw new Error('reloadSecrets: the server neither speaks TLS nor has its token from a file');
    const replaced = tls && (await readTlsFiles(tls));
    if (typeof token === 'object') this.token!.replace(await readTokenFile(token));
    return replaced;
  }
}
