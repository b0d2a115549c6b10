import * as nn from 'octavo/nn';

const F = nn.functional;

type Activation = new () => nn.Module;

class InvertedResidual extends nn.Module {
  readonly f: nn.Sequential;
  readonly #residual: boolean;

  constructor(inputs: number, outputs: number, stride: number, expand: number, Act: Activation) {
    super();
    const hidden = inputs * expand;
    this.#residual = stride === 1 && inputs === outputs;
    this.f = new nn.Sequential(
      new nn.Conv2d(inputs, hidden, 1, { bias: false }),
      new nn.BatchNorm2d(hidden),
      new Act(),
      new nn.Conv2d(hidden, hidden, 3, { stride, padding: 1, groups: hidden, bias: false }),
      new nn.BatchNorm2d(hidden),
      new Act(),
      new nn.Conv2d(hidden, outputs, 1, { bias: false }),
      new nn.BatchNorm2d(outputs),
    );
  }

  override forward(x: nn.Value): nn.Value {
    const y = this.f.call(x);
    return this.#residual ? F.add(x, y) : y;
  }
}

function convNormAct(inputs: number, outputs: number, kernel: number, stride: number): nn.Sequential {
  return new nn.Sequential(
    new nn.Conv2d(inputs, outputs, kernel, { stride, padding: (kernel - 1) / 2, bias: false }),
    new nn.BatchNorm2d(outputs),
    new nn.Hardswish(),
  );
}

/** A small MobileNet: inverted residuals, depthwise convolutions, ReLU6 and Hardswish (`models/glyph_mobilenet.pt2`). */
export class GlyphMobileNet extends nn.Module {
  readonly stem = convNormAct(3, 16, 3, 2);
  readonly body = new nn.Sequential(
    new InvertedResidual(16, 16, 1, 3, nn.ReLU6),
    new InvertedResidual(16, 24, 2, 4, nn.ReLU6),
    new InvertedResidual(24, 24, 1, 4, nn.ReLU6),
    new InvertedResidual(24, 40, 2, 4, nn.Hardswish),
    new InvertedResidual(40, 40, 1, 4, nn.Hardswish),
  );
  readonly head = convNormAct(40, 160, 1, 1);
  readonly fc = new nn.Linear(160, 36);

  override forward(input: nn.Value): nn.Value {
    const x = this.head.call(this.body.call(this.stem.call(input)));
    return this.fc.call(F.flatten(F.adaptiveAvgPool2d(x, 1), 1));
  }
}
