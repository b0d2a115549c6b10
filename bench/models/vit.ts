import type { Dim } from '../../lib/index.ts';
import {
  Conv2d,
  functional as F,
  init,
  LayerNorm,
  Linear,
  Module,
  ModuleList,
  Parameter,
  type Value,
} from '../../lib/nn/index.ts';

/** Of ViT-B/16 (Dosovitskiy et al., 2020) at 224 pixels. */
const [layers, width, heads, hidden, patch, patches] = [12, 768, 12, 3072, 16, 14 * 14] as const;
const eps = 1e-6;

class Attention extends Module {
  readonly in_proj = new Linear(width, 3 * width);
  readonly out_proj = new Linear(width, width);

  forward(x: Value): Value {
    const [batch, length] = x.shape as readonly Dim[];
    const [query, key, value] = F.chunk(this.in_proj.call(x), 3, -1).map((y) =>
      F.transpose(F.view(y, [batch, length, heads, width / heads]), 1, 2),
    );
    const attended = F.scaledDotProductAttention(query, key, value);
    return this.out_proj.call(F.reshape(F.transpose(attended, 1, 2), [batch, length, width]));
  }
}

class Layer extends Module {
  readonly ln_1 = new LayerNorm(width, { eps });
  readonly self_attention = new Attention();
  readonly ln_2 = new LayerNorm(width, { eps });
  readonly linear_1 = new Linear(width, hidden);
  readonly linear_2 = new Linear(hidden, width);

  forward(x: Value): Value {
    const y = F.add(this.self_attention.call(this.ln_1.call(x)), x);
    return F.add(y, this.linear_2.call(F.gelu(this.linear_1.call(this.ln_2.call(y)))));
  }
}

class VisionTransformer extends Module {
  readonly conv_proj = new Conv2d(3, width, patch, { stride: patch });
  /** Its first row is that of the class token, with the token itself. */
  readonly pos_embedding = new Parameter(init.normal([1, 1 + patches, width], 0, 0.02));
  readonly layers = new ModuleList(Array.from({ length: layers }, () => new Layer()));
  readonly ln = new LayerNorm(width, { eps });
  readonly head = new Linear(width, 1000);

  forward(x: Value): Value {
    const tokens = F.transpose(F.flatten(this.conv_proj.call(x), 2), 1, 2);
    const embedded = F.add(F.pad(tokens, [0, 0, 1, 0]), this.pos_embedding.tensor);
    const encoded = [...this.layers].reduce((y, layer) => (layer as Layer).call(y), embedded);
    return this.head.call(F.select(this.ln.call(encoded), 1, 0));
  }
}

/**
 * ViT-B/16, an ImageNet classifier for [n, 3, 224, 224], with seeded weights. Its projections are plain linear layers, which
 * PyTorch's quantizer finds, as it does not find those of `nn.MultiheadAttention`.
 */
export function vitB16(): Module {
  return new VisionTransformer();
}
