import * as nn from '../../lib/nn/index.ts';
import { initialize, kaimingFanOut } from './initialize.ts';

const F = nn.functional;

type Downsample = nn.Sequential | null;
interface Block {
  new (inputs: number, planes: number, stride: number, downsample: Downsample): nn.Module;
  readonly expansion: number;
}

class BasicBlock extends nn.Module {
  static readonly expansion = 1;
  readonly conv1: nn.Conv2d;
  readonly bn1: nn.BatchNorm2d;
  readonly relu = new nn.ReLU({ inplace: true });
  readonly conv2: nn.Conv2d;
  readonly bn2: nn.BatchNorm2d;
  readonly downsample: Downsample;

  constructor(inputs: number, planes: number, stride: number, downsample: Downsample) {
    super();
    this.conv1 = new nn.Conv2d(inputs, planes, 3, { stride, padding: 1, bias: false });
    this.bn1 = new nn.BatchNorm2d(planes);
    this.conv2 = new nn.Conv2d(planes, planes, 3, { padding: 1, bias: false });
    this.bn2 = new nn.BatchNorm2d(planes);
    this.downsample = downsample;
  }

  override forward(x: nn.Value): nn.Value {
    let out = this.relu.call(this.bn1.call(this.conv1.call(x)));
    out = this.bn2.call(this.conv2.call(out));
    const identity = this.downsample ? this.downsample.call(x) : x;
    return this.relu.call(F.add(out, identity, { inplace: true }));
  }
}

/** With the stride at the 3x3 convolution, which is known as version 1.5. */
class Bottleneck extends nn.Module {
  static readonly expansion = 4;
  readonly conv1: nn.Conv2d;
  readonly bn1: nn.BatchNorm2d;
  readonly conv2: nn.Conv2d;
  readonly bn2: nn.BatchNorm2d;
  readonly conv3: nn.Conv2d;
  readonly bn3: nn.BatchNorm2d;
  readonly relu = new nn.ReLU({ inplace: true });
  readonly downsample: Downsample;

  constructor(inputs: number, planes: number, stride: number, downsample: Downsample) {
    super();
    const outputs = planes * Bottleneck.expansion;
    this.conv1 = new nn.Conv2d(inputs, planes, 1, { bias: false });
    this.bn1 = new nn.BatchNorm2d(planes);
    this.conv2 = new nn.Conv2d(planes, planes, 3, { stride, padding: 1, bias: false });
    this.bn2 = new nn.BatchNorm2d(planes);
    this.conv3 = new nn.Conv2d(planes, outputs, 1, { bias: false });
    this.bn3 = new nn.BatchNorm2d(outputs);
    this.downsample = downsample;
  }

  override forward(x: nn.Value): nn.Value {
    let out = this.relu.call(this.bn1.call(this.conv1.call(x)));
    out = this.relu.call(this.bn2.call(this.conv2.call(out)));
    out = this.bn3.call(this.conv3.call(out));
    const identity = this.downsample ? this.downsample.call(x) : x;
    return this.relu.call(F.add(out, identity, { inplace: true }));
  }
}

function makeLayer(
  Type: Block,
  inputs: number,
  planes: number,
  count: number,
  stride: number,
): nn.Sequential {
  const outputs = planes * Type.expansion;
  const downsample =
    stride === 1 && inputs === outputs
      ? null
      : new nn.Sequential(
          new nn.Conv2d(inputs, outputs, 1, { stride, bias: false }),
          new nn.BatchNorm2d(outputs),
        );
  const blocks = [new Type(inputs, planes, stride, downsample)];
  for (let i = 1; i < count; i++) blocks.push(new Type(outputs, planes, 1, null));
  return new nn.Sequential(...blocks);
}

class ResNet extends nn.Module {
  readonly conv1 = new nn.Conv2d(3, 64, 7, { stride: 2, padding: 3, bias: false });
  readonly bn1 = new nn.BatchNorm2d(64);
  readonly relu = new nn.ReLU({ inplace: true });
  readonly maxpool = new nn.MaxPool2d(3, { stride: 2, padding: 1 });
  readonly layer1: nn.Sequential;
  readonly layer2: nn.Sequential;
  readonly layer3: nn.Sequential;
  readonly layer4: nn.Sequential;
  readonly avgpool = new nn.AdaptiveAvgPool2d([1, 1]);
  readonly fc: nn.Linear;

  constructor(Type: Block, counts: readonly [number, number, number, number]) {
    super();
    const { expansion } = Type;
    this.layer1 = makeLayer(Type, 64, 64, counts[0], 1);
    this.layer2 = makeLayer(Type, 64 * expansion, 128, counts[1], 2);
    this.layer3 = makeLayer(Type, 128 * expansion, 256, counts[2], 2);
    this.layer4 = makeLayer(Type, 256 * expansion, 512, counts[3], 2);
    this.fc = new nn.Linear(512 * expansion, 1000);
    initialize(this, { convWeight: kaimingFanOut });
  }

  override forward(input: nn.Value): nn.Value {
    let x = this.maxpool.call(this.relu.call(this.bn1.call(this.conv1.call(input))));
    for (const layer of [this.layer1, this.layer2, this.layer3, this.layer4]) x = layer.call(x);
    return this.fc.call(F.flatten(this.avgpool.call(x), 1));
  }
}

/** 18 layers of basic blocks. */
export const resnet18 = () => new ResNet(BasicBlock, [2, 2, 2, 2]);
/** 50 layers of bottleneck blocks. */
export const resnet50 = () => new ResNet(Bottleneck, [3, 4, 6, 3]);

/** So many basic blocks of 64 channels in a row, for [n, 64, h, w]: a network of any depth whose layers are alike. */
export const residualTower = (blocks: number): nn.Module => makeLayer(BasicBlock, 64, 64, blocks, 1);
