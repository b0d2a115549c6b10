import { closeSync, fstatSync, openSync, readSync } from 'node:fs';

/** The most that one system call reads. */
const LARGEST_READ = 2 ** 30;

/** Where bytes are in a file that is open. */
export interface FilePlace {
  readonly descriptor: number;
  /** For messages. */
  readonly path: string;
  /** In bytes, from the beginning of the file. */
  readonly position: number;
  /** What the bytes have to be, where that is known. */
  readonly checksum?: Checksum;
}

/** The CRC-32 of bytes, and what messages call them. */
export interface Checksum {
  readonly crc32: number;
  readonly name: string;
}

/** Bytes of which any run can be read: those of a file or of a part of it, or those of an array. */
export interface ByteSource {
  readonly size: number;
  /**
   * `count` bytes from `position`, or as many as there are; of an array a view.
   * @throws Error that names the file when it cannot be read.
   */
  read(position: number, count: number): Uint8Array;
  /** Where a position is in a file, if the bytes are in one. */
  place(position: number): FilePlace | undefined;
  /** A run of these bytes as a source of its own. */
  section(position: number, size: number): ByteSource;
}

/** The bytes of an array. */
export class BytesInMemory implements ByteSource {
  readonly #bytes: Uint8Array;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get size(): number {
    return this.#bytes.length;
  }

  read(position: number, count: number): Uint8Array {
    return this.#bytes.subarray(position, position + count);
  }

  place(): undefined {
    return undefined;
  }

  section(position: number, size: number): ByteSource {
    return new BytesInMemory(this.read(position, size));
  }
}

/** The bytes of an open file, or some of them. */
export class BytesInFile implements ByteSource {
  readonly size: number;
  readonly #descriptor: number;
  readonly #path: string;
  readonly #start: number;

  private constructor(descriptor: number, path: string, start: number, size: number) {
    this.#descriptor = descriptor;
    this.#path = path;
    this.#start = start;
    this.size = size;
  }

  /**
   * Opens a file. The caller closes it.
   * @throws Error that names the path when it cannot be opened or is not a file.
   */
  static open(path: string): BytesInFile {
    let descriptor: number;
    try {
      descriptor = openSync(path, 'r');
    } catch (error) {
      throw new Error(`${path} could not be opened: ${(error as Error).message}`, { cause: error });
    }
    const status = fstatSync(descriptor);
    if (status.isFile()) return new BytesInFile(descriptor, path, 0, status.size);
    closeSync(descriptor);
    throw new Error(`${path} is not a file`);
  }

  read(position: number, count: number): Uint8Array {
    const bytes = new Uint8Array(Math.max(0, Math.min(count, this.size - position)));
    let filled = 0;
    while (filled < bytes.length) {
      const length = Math.min(bytes.length - filled, LARGEST_READ);
      const read = readSync(this.#descriptor, bytes, filled, length, this.#start + position + filled);
      // Cut after it was opened.
      if (read === 0) throw new Error(`${this.#path} has become shorter while it was read`);
      filled += read;
    }
    return bytes;
  }

  place(position: number): FilePlace {
    return { descriptor: this.#descriptor, path: this.#path, position: this.#start + position };
  }

  section(position: number, size: number): ByteSource {
    return new BytesInFile(this.#descriptor, this.#path, this.#start + position, size);
  }

  /** Closes the file, for its sections as well. Bytes that were read stay. */
  close(): void {
    closeSync(this.#descriptor);
  }
}
