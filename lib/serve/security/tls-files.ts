import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { createSecureContext } from 'node:tls';

/** Files in PEM that TLS is spoken with. */
export interface TlsFiles {
  /** The server's certificate, and those between it and the one that clients trust. */
  readonly cert: string;
  /** The certificate's private key, without a password. */
  readonly key: string;
  /** Certificates that those of clients must be signed by; a client without one is refused. Default: clients need none. */
  readonly clientCa?: string;
}

/** What the files hold. */
export interface TlsSecrets {
  readonly cert: Buffer;
  readonly key: Buffer;
  readonly ca?: Buffer;
  readonly minVersion: 'TLSv1.2';
}

/**
 * Reads the files and checks that they belong together.
 * @throws Error (rejects) that names the file.
 */
export async function readTlsFiles({ cert, key, clientCa }: TlsFiles): Promise<TlsSecrets> {
  const secrets: TlsSecrets = {
    cert: await readPem(cert),
    key: await readPem(key),
    ...(clientCa === undefined ? {} : { ca: await readPem(clientCa) }),
    minVersion: 'TLSv1.2',
  };
  const certificate = certificateOf(secrets.cert, cert);
  if (secrets.ca) certificateOf(secrets.ca, clientCa!);
  const privateKey = parse(key, 'a private key without a password', () => createPrivateKey(secrets.key));
  if (!certificate.checkPrivateKey(privateKey))
    throw new Error(`tls: ${key} is not the key of the certificate ${cert}`);
  // As TLS itself reads them, which may find a key too weak.
  parse(cert, 'what TLS takes', () => createSecureContext(secrets));
  return secrets;
}

async function readPem(path: string): Promise<Buffer> {
  try {
    return await readFile(path);
  } catch (error) {
    throw new Error(`tls: ${path} could not be read: ${(error as Error).message}`, { cause: error });
  }
}

const certificateOf = (pem: Buffer, path: string) =>
  parse(path, 'a certificate', () => new X509Certificate(pem));

function parse<T>(path: string, what: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw new Error(`tls: ${path} must hold ${what} in PEM: ${(error as Error).message}`, { cause: error });
  }
}
