/**
 * A reader of Python pickles that can only create data. It rejects, by name, every global except the few that the
 * caller lists, and those call Octavo's functions: a file cannot run code of its choosing.
 */

/** A pickled value: Python's tuples and lists are arrays, its dicts are Maps. */
export type PickleValue =
  | null
  | boolean
  | number
  | string
  | object
  | readonly PickleValue[]
  | ReadonlyMap<PickleValue, PickleValue>;

export interface PickleOptions {
  /** What each allowed global, `module.name`, does when called; a constant if it is only referred to. */
  readonly globals: ReadonlyMap<string, ((args: readonly PickleValue[]) => PickleValue) | object>;
  /** Resolves a persistent id (`BINPERSID`): in PyTorch's files, a storage. */
  readonly persistentLoad: (id: PickleValue) => PickleValue;
}

/**
 * Reads one pickle.
 * @throws Error with the byte offset: truncated data, a forbidden opcode or global, or a malformed stack.
 */
export function readPickle(bytes: Uint8Array, options: PickleOptions): PickleValue {
  return new Unpickler(bytes, options).run();
}

const HIGHEST_PROTOCOL = 5;

class Unpickler {
  /** The opcodes that data needs, by their names in Python's `pickletools`. All others are rejected. */
  static readonly #opcodes: ReadonlyMap<string, (machine: Unpickler) => void> = new Map([
    ['\x80', (m) => m.#checkProtocol(m.#byte())], // PROTO
    ['\x95', (m) => void m.#take(8)], // FRAME: only a hint for readers of streams
    ['(', (m) => m.#mark()], // MARK
    ['0', (m) => void m.#pop()], // POP
    ['N', (m) => m.#push(null)], // NONE
    ['\x88', (m) => m.#push(true)], // NEWTRUE
    ['\x89', (m) => m.#push(false)], // NEWFALSE
    ['J', (m) => m.#push(m.#view.getInt32(m.#take(4), true))], // BININT
    ['K', (m) => m.#push(m.#byte())], // BININT1
    ['M', (m) => m.#push(m.#uint16())], // BININT2
    ['\x8a', (m) => m.#push(m.#long(m.#byte()))], // LONG1
    ['G', (m) => m.#push(m.#view.getFloat64(m.#take(8), false))], // BINFLOAT
    ['X', (m) => m.#push(m.#text(m.#uint32()))], // BINUNICODE
    ['\x8c', (m) => m.#push(m.#text(m.#byte()))], // SHORT_BINUNICODE
    [')', (m) => m.#push([])], // EMPTY_TUPLE
    [']', (m) => m.#push([])], // EMPTY_LIST
    ['t', (m) => m.#push(m.#popMark())], // TUPLE
    ['l', (m) => m.#push(m.#popMark())], // LIST
    ['\x85', (m) => m.#push(m.#popSeveral(1))], // TUPLE1
    ['\x86', (m) => m.#push(m.#popSeveral(2))], // TUPLE2
    ['\x87', (m) => m.#push(m.#popSeveral(3))], // TUPLE3
    ['a', (m) => m.#append(m.#popSeveral(1))], // APPEND
    ['e', (m) => m.#append(m.#popMark())], // APPENDS
    ['}', (m) => m.#push(new Map())], // EMPTY_DICT
    ['s', (m) => m.#setItems(m.#popSeveral(2))], // SETITEM
    ['u', (m) => m.#setItems(m.#popMark())], // SETITEMS
    ['q', (m) => m.#memorize(m.#byte())], // BINPUT
    ['r', (m) => m.#memorize(m.#uint32())], // LONG_BINPUT
    ['\x94', (m) => m.#memorize(m.#memo.size)], // MEMOIZE
    ['h', (m) => m.#recall(m.#byte())], // BINGET
    ['j', (m) => m.#recall(m.#uint32())], // LONG_BINGET
    ['c', (m) => m.#global(m.#line(), m.#line())], // GLOBAL
    ['\x93', (m) => m.#stackGlobal()], // STACK_GLOBAL
    ['R', (m) => m.#reduce()], // REDUCE
    ['b', (m) => m.#build()], // BUILD
    ['Q', (m) => m.#push(m.#options.persistentLoad(m.#pop()))], // BINPERSID
  ]);

  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #options: PickleOptions;
  readonly #memo = new Map<number, PickleValue>();
  #stack: PickleValue[] = [];
  readonly #marks: PickleValue[][] = [];
  #at = 0;

  constructor(bytes: Uint8Array, options: PickleOptions) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#options = options;
  }

  run(): PickleValue {
    for (;;) {
      const at = this.#at;
      const opcode = String.fromCharCode(this.#byte());
      try {
        if (opcode === '.') return this.#pop();
        const execute = Unpickler.#opcodes.get(opcode);
        if (!execute) throw new Error(`opcode ${JSON.stringify(opcode)} is not allowed in a weights file`);
        execute(this);
      } catch (error) {
        throw new Error(`pickle, byte ${at}: ${(error as Error).message}`, { cause: error });
      }
    }
  }

  #checkProtocol(protocol: number): void {
    if (protocol > HIGHEST_PROTOCOL) throw new Error(`pickle protocol ${protocol} is unknown`);
  }

  #take(count: number): number {
    const at = this.#at;
    if (count > this.#bytes.length - at) throw new Error('the pickle ends too early');
    this.#at += count;
    return at;
  }

  #byte(): number {
    return this.#bytes[this.#take(1)];
  }

  #uint16(): number {
    return this.#view.getUint16(this.#take(2), true);
  }

  #uint32(): number {
    return this.#view.getUint32(this.#take(4), true);
  }

  #text(length: number): string {
    const at = this.#take(length);
    return new TextDecoder('utf-8', { fatal: true }).decode(this.#bytes.subarray(at, at + length));
  }

  #line(): string {
    const end = this.#bytes.indexOf(0x0a, this.#at);
    if (end < 0) throw new Error('the pickle ends too early');
    const text = this.#text(end - this.#at);
    this.#at++;
    return text;
  }

  #long(length: number): number {
    const at = this.#take(length);
    let value = 0n;
    for (let i = length - 1; i >= 0; i--) value = (value << 8n) | BigInt(this.#bytes[at + i]);
    const signed = Number(BigInt.asIntN(8 * length, value));
    if (!Number.isSafeInteger(signed)) throw new Error('an integer does not fit 53 bits');
    return signed;
  }

  #push(value: PickleValue): void {
    this.#stack.push(value);
  }

  #top(): PickleValue {
    if (this.#stack.length === 0) throw new Error('the stack is empty');
    return this.#stack[this.#stack.length - 1];
  }

  #pop(): PickleValue {
    const value = this.#top();
    this.#stack.pop();
    return value;
  }

  #popSeveral(count: number): PickleValue[] {
    if (this.#stack.length < count) throw new Error('the stack is empty');
    return this.#stack.splice(-count, count);
  }

  #mark(): void {
    this.#marks.push(this.#stack);
    this.#stack = [];
  }

  #popMark(): PickleValue[] {
    const outer = this.#marks.pop();
    if (!outer) throw new Error('there is no mark on the stack');
    const items = this.#stack;
    this.#stack = outer;
    return items;
  }

  #append(items: readonly PickleValue[]): void {
    const list = this.#top();
    if (!Array.isArray(list)) throw new Error('APPEND needs a list');
    for (const item of items) list.push(item);
  }

  #setItems(items: readonly PickleValue[]): void {
    const dict = this.#top();
    if (!(dict instanceof Map) || items.length % 2 !== 0) throw new Error('SETITEMS needs a dict and pairs');
    for (let i = 0; i < items.length; i += 2) dict.set(items[i], items[i + 1]);
  }

  #memorize(key: number): void {
    this.#memo.set(key, this.#top());
  }

  #recall(key: number): void {
    const value = this.#memo.get(key);
    if (value === undefined) throw new Error(`memo ${key} was never written`);
    this.#push(value);
  }

  #global(module: string, name: string): void {
    const value = this.#options.globals.get(`${module}.${name}`);
    if (value === undefined)
      throw new Error(`the global '${module}.${name}' is refused: a weights file has no use for it`);
    this.#push(value);
  }

  #stackGlobal(): void {
    const [module, name] = this.#popSeveral(2);
    this.#global(String(module), String(name));
  }

  /** Attributes of an OrderedDict, such as a state dict's `_metadata`, contain no weights. */
  #build(): void {
    this.#pop();
    if (!(this.#top() instanceof Map)) throw new Error('only a dict may be given attributes');
  }

  #reduce(): void {
    const [callable, args] = this.#popSeveral(2);
    if (typeof callable !== 'function' || !Array.isArray(args)) throw new Error('REDUCE of a non-callable');
    this.#push((callable as (args: readonly PickleValue[]) => PickleValue)(args));
  }
}
