import { readFile } from 'node:fs/promises';
import { BearerToken } from './bearer-token.ts';

/** Where the token is, alone but for white space around it. */
export interface TokenFile {
  readonly file: string;
}

/** @throws Error (rejects) that names the file, when it cannot be read or holds what no header can. */
export async function readTokenFile({ file }: TokenFile): Promise<string> {
  let token: string;
  try {
    token = (await readFile(file, 'utf8')).trim();
  } catch (error) {
    throw new Error(`the token could not be read: ${(error as Error).message}`, { cause: error });
  }
  try {
    new BearerToken(token);
  } catch (error) {
    throw new Error(`${file}: ${(error as Error).message}`, { cause: error });
  }
  return token;
}
