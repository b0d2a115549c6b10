import type { Dim } from '../../lib/index.ts';
import {
  functional as F,
  init,
  LayerNorm,
  Linear,
  Module,
  ModuleList,
  type Value,
} from '../../lib/nn/index.ts';

/** Of a layer of BERT-base (Devlin et al., 2018), and of DistilBERT (Sanh et al., 2019), which has half as many. */
const [width, heads, hidden] = [768, 12, 3072] as const;
const eps = 1e-12;

/** Tokens of a sequence, and the width of each: what {@link bertBase} takes beside the batch. */
export const bertInput = [128, width] as const;

/** Self-attention, added to its input. */
class Attention extends Module {
  readonly query = new Linear(width, width);
  readonly key = new Linear(width, width);
  readonly value = new Linear(width, width);
  readonly output = new Linear(width, width);
  readonly norm = new LayerNorm(width, { eps });

  forward(x: Value): Value {
    const [batch, length] = x.shape as readonly Dim[];
    const perHead = (y: Value) => F.transpose(F.view(y, [batch, length, heads, width / heads]), 1, 2);
    const attended = F.scaledDotProductAttention(
      perHead(this.query.call(x)),
      perHead(this.key.call(x)),
      perHead(this.value.call(x)),
    );
    const joined = F.reshape(F.transpose(attended, 1, 2), [batch, length, width]);
    return this.norm.call(F.add(this.output.call(joined), x));
  }
}

/** A feed-forward network, added to its input. */
class FeedForward extends Module {
  readonly intermediate = new Linear(width, hidden);
  readonly output = new Linear(hidden, width);
  readonly norm = new LayerNorm(width, { eps });

  forward(x: Value): Value {
    return this.norm.call(F.add(this.output.call(F.gelu(this.intermediate.call(x))), x));
  }
}

class Layer extends Module {
  readonly attention = new Attention();
  readonly feedForward = new FeedForward();

  forward(x: Value): Value {
    return this.feedForward.call(this.attention.call(x));
  }
}

class Encoder extends Module {
  readonly layer: ModuleList;

  constructor(layers: number) {
    super();
    this.layer = new ModuleList(Array.from({ length: layers }, () => new Layer()));
  }

  forward(x: Value): Value {
    return [...this.layer].reduce((y, layer) => (layer as Layer).call(y), x);
  }
}

/** An encoder without its embeddings, over hidden states [n, 128, 768]. Weights as BERT begins with them. */
function encoder(layers: number): Module {
  const model = new Encoder(layers);
  for (const [, module] of model.namedModules())
    if (module instanceof Linear) {
      module.weight.tensor = init.normal(module.weight.tensor.shape, 0, 0.02);
      if (module.bias) module.bias.tensor = init.constant(module.bias.tensor.shape, 0);
    }
  return model;
}

/** The encoder of BERT-base. */
export const bertBase = (): Module => encoder(12);

/** The encoder of DistilBERT. */
export const distilBert = (): Module => encoder(6);
