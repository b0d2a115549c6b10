import * as nn from '../../lib/nn/index.ts';

const F = nn.functional;

/** The network of `models/tiny_cnn.pt2`. */
export class TinyCNN extends nn.Module {
  readonly conv1 = new nn.Conv2d(3, 16, 3, { padding: 1, bias: false });
  readonly bn1 = new nn.BatchNorm2d(16);
  readonly pool = new nn.MaxPool2d(2, { stride: 2 });
  readonly conv2 = new nn.Conv2d(16, 16, 3, { padding: 1, bias: false });
  readonly bn2 = new nn.BatchNorm2d(16);
  readonly conv3 = new nn.Conv2d(16, 16, 3, { padding: 1, bias: false });
  readonly bn3 = new nn.BatchNorm2d(16);
  readonly avgpool = new nn.AdaptiveAvgPool2d([1, 1]);
  readonly fc = new nn.Linear(16, 10);

  override forward(input: nn.Value): nn.Value {
    let x = this.pool.call(F.relu(this.bn1.call(this.conv1.call(input))));
    const y = this.bn3.call(this.conv3.call(F.relu(this.bn2.call(this.conv2.call(x)))));
    x = F.relu(F.add(x, y));
    return this.fc.call(F.flatten(this.avgpool.call(x), 1));
  }
}
