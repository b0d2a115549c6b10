import type { Server } from 'node:http';
import type { Socket } from 'node:net';

/** A server's connections, for its end. Node knows some of them only when their first request has come. */
export class Connections {
  readonly #open = new Set<Socket>();

  constructor(server: Server) {
    // Over TLS these are two for each client: that of bytes, and from the handshake's end on that of text.
    for (const event of ['connection', 'secureConnection'])
      server.on(event, (socket: Socket) => {
        this.#open.add(socket);
        socket.once('close', () => this.#open.delete(socket));
      });
  }

  /** Cuts those that were opened in advance: nothing has been asked on them. */
  cutUnused(): void {
    for (const socket of this.#open) if (socket.bytesRead === 0) socket.destroy();
  }

  cutAll(): void {
    for (const socket of this.#open) socket.destroy();
  }
}
