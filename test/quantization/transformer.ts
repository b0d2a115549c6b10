import { exportModel } from '../../lib/capture/index.ts';
import type { Dim, GraphModule } from '../../lib/graph/index.ts';
import * as nn from '../../lib/nn/index.ts';
import { Tensor } from '../../lib/tensor/index.ts';

const { functional: F } = nn;

/** An encoder layer: attention and a feed-forward network, each added to its input and normalized. */
class EncoderLayer extends nn.Module {
  readonly q: nn.Linear;
  readonly k: nn.Linear;
  readonly v: nn.Linear;
  readonly o: nn.Linear;
  readonly ln1: nn.LayerNorm;
  readonly fc1: nn.Linear;
  readonly fc2: nn.Linear;
  readonly ln2: nn.LayerNorm;
  readonly heads: number;

  constructor(width: number, heads: number, hidden: number) {
    super();
    this.heads = heads;
    this.q = new nn.Linear(width, width);
    this.k = new nn.Linear(width, width);
    this.v = new nn.Linear(width, width);
    this.o = new nn.Linear(width, width);
    this.ln1 = new nn.LayerNorm(width);
    this.fc1 = new nn.Linear(width, hidden);
    this.fc2 = new nn.Linear(hidden, width);
    this.ln2 = new nn.LayerNorm(width);
  }

  forward(x: nn.Value): nn.Value {
    const [batch, length, width] = x.shape as readonly [Dim, number, number];
    const perHead = (y: nn.Value) =>
      F.transpose(F.view(y, [batch, length, this.heads, width / this.heads]), 1, 2);
    const attended = F.scaledDotProductAttention(
      perHead(this.q.call(x)),
      perHead(this.k.call(x)),
      perHead(this.v.call(x)),
    );
    const joined = F.reshape(F.transpose(attended, 1, 2), [batch, length, width]);
    const y = this.ln1.call(F.add(x, this.o.call(joined)));
    return this.ln2.call(F.add(y, this.fc2.call(F.gelu(this.fc1.call(y)))));
  }
}

class Encoder extends nn.Module {
  readonly layers = new nn.ModuleList([new EncoderLayer(256, 4, 1024), new EncoderLayer(256, 4, 1024)]);

  forward(x: nn.Value): nn.Value {
    return [...this.layers].reduce((y, layer) => (layer as EncoderLayer).call(y), x);
  }
}

/** The goldens' transformer with the weights of `torch.manual_seed(0)`: 1.6 million parameters, so it is made here. */
export function buildTransformer(): GraphModule {
  nn.manualSeed(0);
  const x = { dtype: 'float32', shape: [2, 64, 256] } as const;
  return exportModel(
    new Encoder().eval(),
    { x },
    { dynamicShapes: { x: { 0: { name: 'batch', max: 1024 } } } },
  );
}

/** `torch.randn([2, 64, 256], generator=torch.Generator().manual_seed(seed))` */
export function transformerInput(seed: number): Tensor {
  const data = new Float32Array(2 * 64 * 256);
  new nn.Generator(seed).fillNormal(data, 0, 1);
  return new Tensor('float32', data, [2, 64, 256]);
}
