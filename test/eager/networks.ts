import { DeQuantStub, fuseModules, fuseModulesQat, QuantStub, QuantWrapper } from '../../lib/eager/index.ts';
import * as nn from '../../lib/nn/index.ts';

/** The networks of script/goldens/eager.py, name by name. */

const F = nn.functional;
const { FloatFunctional } = nn.quantized;

class ConvBNReLU extends nn.Sequential {
  constructor(
    inputs: number,
    outputs: number,
    { kernel = 3, stride = 1, groups = 1 }: { kernel?: number; stride?: number; groups?: number } = {},
  ) {
    const padding = Math.floor((kernel - 1) / 2);
    super(
      new nn.Conv2d(inputs, outputs, kernel, { stride, padding, groups, bias: false }),
      new nn.BatchNorm2d(outputs),
      new nn.ReLU(),
    );
  }
}

class InvertedResidual extends nn.Module {
  readonly conv: nn.Sequential;
  readonly skip_add = new FloatFunctional();
  readonly useResConnect: boolean;

  constructor(inputs: number, outputs: number, stride: number, expansion: number) {
    super();
    const hidden = inputs * expansion;
    this.useResConnect = stride === 1 && inputs === outputs;
    this.conv = new nn.Sequential(
      ...(expansion === 1 ? [] : [new ConvBNReLU(inputs, hidden, { kernel: 1 })]),
      new ConvBNReLU(hidden, hidden, { stride, groups: hidden }),
      new nn.Conv2d(hidden, outputs, 1, { bias: false }),
      new nn.BatchNorm2d(outputs),
    );
  }

  forward(x: nn.Value): nn.Value {
    return this.useResConnect ? this.skip_add.add(x, this.conv.call(x)) : this.conv.call(x);
  }
}

/** MobileNetV2 of PyTorch's static_quantization_tutorial, with few channels and blocks. */
export class MobileNetV2 extends nn.Module {
  readonly features = new nn.Sequential(
    new ConvBNReLU(3, 8, { stride: 2 }),
    new InvertedResidual(8, 8, 1, 1),
    new InvertedResidual(8, 12, 2, 3),
    new InvertedResidual(12, 12, 1, 3),
    new ConvBNReLU(12, 32, { kernel: 1 }),
  );
  readonly quant = new QuantStub();
  readonly dequant = new DeQuantStub();
  readonly classifier = new nn.Sequential(new nn.Dropout(0.2), new nn.Linear(32, 10));

  forward(image: nn.Value): nn.Value {
    let x = this.quant.call(image);
    x = this.features.call(x);
    x = F.mean(x, [2, 3]);
    x = this.classifier.call(x);
    return this.dequant.call(x);
  }

  fuseModel(): this {
    for (const [, m] of this.namedModules()) {
      if (m instanceof ConvBNReLU) fuseModules(m, ['0', '1', '2'], { inplace: true });
      if (m instanceof InvertedResidual)
        for (const [name, layer] of m.conv.namedChildren)
          if (layer instanceof nn.Conv2d)
            fuseModules(m.conv, [name, String(Number(name) + 1)], { inplace: true });
    }
    return this;
  }
}

export class Images extends nn.Module {
  readonly quant = new QuantStub();
  readonly conv1 = new nn.Conv2d(3, 8, 3, { padding: 1 });
  readonly relu1 = new nn.ReLU();
  readonly bn1 = new nn.BatchNorm2d(8);
  readonly hardswish = new nn.Hardswish();
  readonly conv2 = new nn.Conv2d(8, 8, 3, { stride: 2, padding: 1, groups: 4 });
  readonly leaky = new nn.LeakyReLU(0.1);
  readonly bn2 = new nn.BatchNorm2d(8);
  readonly relu2 = new nn.ReLU();
  readonly conv3 = new nn.Conv2d(8, 8, 1);
  readonly relu6 = new nn.ReLU6();
  readonly pool = new nn.MaxPool2d(2);
  readonly average = new nn.AvgPool2d(2);
  readonly gate = new nn.Conv2d(8, 8, 1);
  readonly sigmoid = new nn.Sigmoid();
  readonly multiply = new FloatFunctional();
  readonly join = new FloatFunctional();
  readonly add_relu = new FloatFunctional();
  readonly scalars = new FloatFunctional();
  readonly last = new nn.AdaptiveAvgPool2d(1);
  readonly fc1 = new nn.Linear(16, 12);
  readonly bn3 = new nn.BatchNorm1d(12);
  readonly fc2 = new nn.Linear(12, 12);
  readonly relu3 = new nn.ReLU();
  readonly norm = new nn.LayerNorm(12);
  readonly tanh = new nn.Tanh();
  readonly fc3 = new nn.Linear(12, 5);
  readonly dequant = new DeQuantStub();

  forward(image: nn.Value): nn.Value {
    let x = this.relu1.call(this.conv1.call(this.quant.call(image)));
    x = this.hardswish.call(this.bn1.call(x));
    let y = this.relu2.call(this.bn2.call(this.leaky.call(this.conv2.call(x))));
    let z = this.relu6.call(this.conv3.call(y));
    z = this.multiply.mul(z, this.sigmoid.call(this.gate.call(y)));
    y = this.add_relu.addRelu(y, z);
    y = this.scalars.mulScalar(this.scalars.addScalar(y, 0.3), -1.5);
    x = this.join.cat([this.pool.call(y), this.average.call(z)], 1);
    x = F.flatten(this.last.call(x), 1);
    x = this.relu3.call(this.fc2.call(this.bn3.call(this.fc1.call(x))));
    x = this.tanh.call(this.norm.call(x));
    return this.dequant.call(this.fc3.call(x));
  }

  fuseModel(): this {
    const lists = [
      ['conv1', 'relu1'],
      ['bn2', 'relu2'],
      ['fc1', 'bn3'],
      ['fc2', 'relu3'],
    ];
    return fuseModules(this, lists);
  }
}

export class Signals extends nn.Module {
  readonly quant = new QuantStub();
  readonly conv1 = new nn.Conv1d(2, 6, 3, { padding: 1 });
  readonly bn1 = new nn.BatchNorm1d(6);
  readonly relu1 = new nn.ReLU();
  readonly conv2 = new nn.Conv1d(6, 6, 5, { stride: 2, groups: 2 });
  readonly relu2 = new nn.ReLU();
  readonly conv3 = new nn.Conv1d(6, 4, 3, { dilation: 2 });
  readonly bn3 = new nn.BatchNorm1d(4);
  readonly dequant = new DeQuantStub();
  readonly head = new nn.Linear(4, 3);

  constructor() {
    super();
    this.head.qconfig = null;
  }

  forward(signal: nn.Value): nn.Value {
    let x = this.relu1.call(this.bn1.call(this.conv1.call(this.quant.call(signal))));
    x = this.bn3.call(this.conv3.call(this.relu2.call(this.conv2.call(x))));
    return this.head.call(F.mean(this.dequant.call(x), [2]));
  }

  fuseModel(): this {
    return fuseModules(this, [
      ['conv1', 'bn1', 'relu1'],
      ['conv2', 'relu2'],
      ['conv3', 'bn3'],
    ]);
  }
}

export class Wrapped extends QuantWrapper {
  constructor() {
    super(new nn.Sequential(new nn.Linear(6, 9), new nn.ReLU(), new nn.Linear(9, 4)));
  }

  fuseModel(): this {
    return this;
  }
}

/** Layers with and without batch norms, biases and ReLUs, for quantization aware training. */
export class Trained extends nn.Module {
  readonly quant = new QuantStub();
  readonly conv1 = new nn.Conv2d(3, 6, 3, { stride: 2, padding: 1, bias: false });
  readonly bn1 = new nn.BatchNorm2d(6);
  readonly relu1 = new nn.ReLU();
  readonly conv2 = new nn.Conv2d(6, 6, 3, { padding: 1, groups: 6 });
  readonly bn2 = new nn.BatchNorm2d(6);
  readonly conv3 = new nn.Conv2d(6, 6, 1);
  readonly relu3 = new nn.ReLU();
  readonly skip = new FloatFunctional();
  readonly pool = new nn.AdaptiveAvgPool2d(1);
  readonly fc1 = new nn.Linear(6, 8);
  readonly bn4 = new nn.BatchNorm1d(8);
  readonly fc2 = new nn.Linear(8, 8);
  readonly relu4 = new nn.ReLU();
  readonly sigmoid = new nn.Sigmoid();
  readonly fc3 = new nn.Linear(8, 4);
  readonly dequant = new DeQuantStub();

  forward(image: nn.Value): nn.Value {
    let x = this.relu1.call(this.bn1.call(this.conv1.call(this.quant.call(image))));
    x = this.skip.add(x, this.relu3.call(this.conv3.call(this.bn2.call(this.conv2.call(x)))));
    x = F.flatten(this.pool.call(x), 1);
    x = this.sigmoid.call(this.relu4.call(this.fc2.call(this.bn4.call(this.fc1.call(x)))));
    return this.dequant.call(this.fc3.call(x));
  }

  fuseModel(): this {
    return fuseModulesQat(this, [
      ['conv1', 'bn1', 'relu1'],
      ['conv2', 'bn2'],
      ['conv3', 'relu3'],
      ['fc1', 'bn4'],
      ['fc2', 'relu4'],
    ]);
  }
}

/** The language model of PyTorch's dynamic_quantization_tutorial; returns the states as well. */
export class Words extends nn.Module {
  readonly encoder = new nn.Embedding(30, 12);
  readonly rnn = new nn.LSTM(12, 16, { numLayers: 2 });
  readonly decoder = new nn.Linear(16, 30);

  forward(x: nn.Value): readonly nn.Value[] {
    const [output, hidden, cell] = this.rnn.call(this.encoder.call(x));
    return [this.decoder.call(output), hidden, cell];
  }
}

export class Gated extends nn.Module {
  readonly rnn = new nn.GRU(5, 8, { bidirectional: true, batchFirst: true });
  readonly fc = new nn.Linear(16, 4);

  forward(x: nn.Value): readonly nn.Value[] {
    const [output, hidden] = this.rnn.call(x);
    return [this.fc.call(output), hidden];
  }
}

export class Cells extends nn.Module {
  readonly lstm = new nn.LSTMCell(5, 8);
  readonly gru = new nn.GRUCell(8, 6);

  forward(x: nn.Value): readonly nn.Value[] {
    let [hidden, cell] = this.lstm.call(F.select(x, 0, 0));
    let state = this.gru.call(hidden);
    for (let step = 1; step < 4; step++) {
      [hidden, cell] = this.lstm.call(F.select(x, 0, step), hidden, cell);
      state = this.gru.call(hidden, state);
    }
    return [state, cell];
  }
}
