/**
 * A real number known only when a request arrives, because it is computed from sizes, such as `1 / sqrt(s0)` (counterpart:
 * `torch.SymFloat`). Nothing about shapes follows from it, so that its text is all that is kept.
 */
export class SymFloat {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }

  /**
   * Converts to text only.
   * @throws Error on conversion to a number: a comparison would otherwise silently be false.
   */
  [Symbol.toPrimitive](hint: string): string {
    if (hint === 'number')
      throw new Error(
        `the number ${this.text} is known only when a request arrives: no shape can depend on it`,
      );
    return this.text;
  }

  toString(): string {
    return this.text;
  }
}
