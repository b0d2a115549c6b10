/** Smaller bodies are not worth it. What is kept has this size, or twice as much, and so on. */
const smallest = 64 * 2 ** 10;
/** The most that is kept for requests to come. */
const mostIdle = 64 * 2 ** 20;

/**
 * Memory of large bodies, which is used again. With new memory for each of them V8 would collect all its garbage several times a second: it
 * counts the bytes of buffers, and those of requests that have waited are old when they are answered.
 */
export class BodyMemory {
  /** What was given back last comes last: it may still be in the cache. */
  readonly #idle: Buffer[] = [];
  #idleBytes = 0;
  readonly #lent = new WeakSet<ArrayBufferLike>();

  /**
   * Memory for so many bytes that are still to come, if there is some already. What a client only says that it will send takes no new
   * memory.
   */
  lendIdle(bytes: number): Buffer | undefined {
    const size = sizeFor(bytes);
    const at = bytes < smallest ? -1 : this.#idle.findLastIndex(({ length }) => length === size);
    if (at < 0) return undefined;
    const [memory] = this.#idle.splice(at, 1);
    this.#idleBytes -= size;
    this.#lent.add(memory.buffer);
    return memory;
  }

  /** Memory for so many bytes that have come. */
  lend(bytes: number): Buffer {
    if (bytes < smallest) return Buffer.allocUnsafe(bytes);
    const memory = this.lendIdle(bytes) ?? Buffer.allocUnsafeSlow(sizeFor(bytes));
    this.#lent.add(memory.buffer);
    return memory;
  }

  /**
   * Takes memory back that nobody reads or writes any more.
   * @param body a part of what was lent; another buffer is left alone.
   */
  giveBack({ buffer }: Buffer): void {
    if (!this.#lent.delete(buffer)) return;
    this.#idle.push(Buffer.from(buffer));
    this.#idleBytes += buffer.byteLength;
    while (this.#idleBytes > mostIdle) this.#idleBytes -= this.#idle.shift()!.length;
  }
}

const sizeFor = (bytes: number): number => 2 ** Math.ceil(Math.log2(Math.max(bytes, smallest)));
