import * as nn from '../../lib/nn/index.ts';

const F = nn.functional;

class Basic extends nn.Module {
  readonly c1: nn.Conv2d;
  readonly b1: nn.BatchNorm2d;
  readonly c2: nn.Conv2d;
  readonly b2: nn.BatchNorm2d;
  readonly down: nn.Sequential | null;

  constructor(inputs: number, outputs: number, stride: number) {
    super();
    this.c1 = new nn.Conv2d(inputs, outputs, 3, { stride, padding: 1, bias: false });
    this.b1 = new nn.BatchNorm2d(outputs);
    this.c2 = new nn.Conv2d(outputs, outputs, 3, { padding: 1, bias: false });
    this.b2 = new nn.BatchNorm2d(outputs);
    this.down =
      stride === 1 && inputs === outputs
        ? null
        : new nn.Sequential(
            new nn.Conv2d(inputs, outputs, 1, { stride, bias: false }),
            new nn.BatchNorm2d(outputs),
          );
  }

  override forward(x: nn.Value): nn.Value {
    const y = this.b2.call(this.c2.call(F.relu(this.b1.call(this.c1.call(x)))));
    return F.relu(F.add(y, this.down ? this.down.call(x) : x));
  }
}

/** The network of `models/glyph_resnet.pt2`. */
export class GlyphResNet extends nn.Module {
  readonly stem = new nn.Conv2d(3, 16, 3, { padding: 1, bias: false });
  readonly bn = new nn.BatchNorm2d(16);
  readonly pool = new nn.MaxPool2d(2);
  readonly l1 = new nn.Sequential(new Basic(16, 16, 1), new Basic(16, 32, 2));
  readonly l2 = new nn.Sequential(new Basic(32, 32, 1), new Basic(32, 64, 2));
  readonly fc = new nn.Linear(64, 36);

  override forward(input: nn.Value): nn.Value {
    const x = this.pool.call(F.relu(this.bn.call(this.stem.call(input))));
    return this.fc.call(F.flatten(F.adaptiveAvgPool2d(this.l2.call(this.l1.call(x)), 1), 1));
  }
}
