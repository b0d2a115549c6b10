import type { Dim } from 'octavo';
import {
  Embedding,
  functional as F,
  init,
  LayerNorm,
  Linear,
  Module,
  ModuleList,
  type Value,
} from 'octavo/nn';

/** Sizes of the encoder. */
export interface EncoderSizes {
  readonly vocabulary: number;
  /** The most tokens that a text may have. */
  readonly positions: number;
  readonly width: number;
  readonly heads: number;
  readonly layers: number;
}

class SelfAttention extends Module {
  readonly query: Linear;
  readonly key: Linear;
  readonly value: Linear;
  readonly output: Linear;
  readonly #heads: number;

  constructor({ width, heads }: EncoderSizes) {
    super();
    [this.query, this.key, this.value, this.output] = Array.from(
      { length: 4 },
      () => new Linear(width, width),
    );
    this.#heads = heads;
  }

  /** @param mask bool [n, 1, 1, t]: which tokens are attended to. */
  forward(x: Value, mask: Value): Value {
    const [batch, length, width] = x.shape as readonly [Dim, Dim, number];
    const perHead = (y: Value) =>
      F.transpose(F.view(y, [batch, length, this.#heads, width / this.#heads]), 1, 2);
    const attended = F.scaledDotProductAttention(
      perHead(this.query.call(x)),
      perHead(this.key.call(x)),
      perHead(this.value.call(x)),
      mask,
    );
    return this.output.call(F.reshape(F.transpose(attended, 1, 2), [batch, length, width]));
  }
}

class Layer extends Module {
  readonly attention: SelfAttention;
  readonly attentionNorm: LayerNorm;
  readonly intermediate: Linear;
  readonly output: Linear;
  readonly norm: LayerNorm;

  constructor(sizes: EncoderSizes) {
    super();
    this.attention = new SelfAttention(sizes);
    this.attentionNorm = new LayerNorm(sizes.width);
    this.intermediate = new Linear(sizes.width, 4 * sizes.width);
    this.output = new Linear(4 * sizes.width, sizes.width);
    this.norm = new LayerNorm(sizes.width);
  }

  forward(x: Value, mask: Value): Value {
    const y = this.attentionNorm.call(F.add(this.attention.call(x, mask), x));
    return this.norm.call(F.add(this.output.call(F.gelu(this.intermediate.call(y))), y));
  }
}

/**
 * A sentence encoder as BERT is one: token and position embeddings, transformer layers, and the mean of what they make of
 * a text's tokens. Inputs: `ids` and `positions`, int64 [n, t], and `mask`, bool [n, t], false where a text has ended.
 * Result: [n, width].
 */
export class SentenceEncoder extends Module {
  readonly tokens: Embedding;
  readonly positions: Embedding;
  readonly norm: LayerNorm;
  readonly layers: ModuleList;

  constructor(sizes: EncoderSizes) {
    super();
    this.tokens = new Embedding(sizes.vocabulary, sizes.width);
    this.positions = new Embedding(sizes.positions, sizes.width);
    // Narrower than the tokens': where a word stands matters less than which it is.
    this.positions.weight.tensor = init.normal([sizes.positions, sizes.width], 0, 0.02);
    this.norm = new LayerNorm(sizes.width);
    this.layers = new ModuleList(Array.from({ length: sizes.layers }, () => new Layer(sizes)));
  }

  forward(ids: Value, positions: Value, mask: Value): Value {
    const [batch, length] = mask.shape as readonly Dim[];
    const embedded = this.norm.call(F.add(this.tokens.call(ids), this.positions.call(positions)));
    const attends = F.view(mask, [batch, 1, 1, length]);
    const encoded = [...this.layers].reduce((x, layer) => (layer as Layer).call(x, attends), embedded);
    const counts = F.to(F.view(mask, [batch, length, 1]), 'float32');
    return F.div(F.sum(F.mul(encoded, counts), [1]), F.sum(counts, [1]));
  }
}
