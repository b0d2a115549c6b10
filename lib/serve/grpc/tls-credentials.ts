import { ServerCredentials } from '@grpc/grpc-js';
import type { TlsSecrets } from '../security/tls-files.ts';

/** TLS whose certificate can be replaced while the server goes on. */
export class TlsCredentials extends ServerCredentials {
  constructor(secrets: TlsSecrets) {
    super({ requestCert: secrets.ca !== undefined }, secrets);
  }

  /** For connections that are opened from now on. */
  replace(secrets: TlsSecrets): void {
    this.updateSecureContextOptions(secrets);
  }

  override _equals(other: ServerCredentials): boolean {
    return other === this;
  }
}
