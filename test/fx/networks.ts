/** The networks of script/goldens/fx_networks.py, name by name. */
import { callOperator } from '../../lib/nn/dispatcher.ts';
import * as nn from '../../lib/nn/index.ts';
import { Tensor } from '../../lib/tensor/index.ts';

const F = nn.functional;

export class Mixed extends nn.Module {
  readonly conv1 = new nn.Conv2d(3, 8, 3, { padding: 1 });
  readonly relu = new nn.ReLU();
  readonly conv2 = new nn.Conv2d(8, 8, 1);
  readonly shared = new nn.Conv2d(8, 8, 1);
  readonly hardswish = new nn.Hardswish();
  readonly pool = new nn.MaxPool2d(2);
  readonly avgpool = new nn.AvgPool2d(2);
  readonly sigmoid = new nn.Sigmoid();
  readonly tanh = new nn.Tanh();
  readonly bn = new nn.BatchNorm2d(24);
  readonly fc1 = new nn.Linear(24, 16);
  readonly fc2 = new nn.Linear(16, 5);

  override forward(x: nn.Value): nn.Value {
    const a = this.relu.call(this.conv1.call(x));
    const b = this.hardswish.call(this.conv2.call(a));
    const [c, d] = [this.pool.call(a), this.avgpool.call(b)];
    const e = F.add(this.shared.call(c), F.mul(this.sigmoid.call(this.shared.call(d)), d));
    const f = this.bn.call(F.cat([c, d, F.relu(F.add(e, 0.5))], 1));
    const g = this.tanh.call(F.mul(this.fc1.call(F.mean(f, [2, 3])), 0.5));
    return this.fc2.call(F.relu(g));
  }
}

export class Attention extends nn.Module {
  readonly norm = new nn.LayerNorm(16);
  readonly query = new nn.Linear(16, 16);
  readonly key = new nn.Linear(16, 16);
  readonly value = new nn.Linear(16, 16);
  readonly softmax = new nn.Softmax(-1);
  readonly out = new nn.Linear(16, 16);
  readonly weight = new nn.Parameter(Tensor.zeros('float32', [4, 16]));

  override forward(x: nn.Value): nn.Value {
    const y = this.norm.call(x);
    const [q, k, v] = [this.query, this.key, this.value]
      .map((layer) => layer.call(y))
      .map((each) => F.transpose(F.view(each, [-1, 6, 2, 8]), 1, 2)) as [nn.Value, nn.Value, nn.Value];
    const p = this.softmax.call(F.mul(F.matmul(q, F.transpose(k, -2, -1)), 0.35));
    const joined = F.reshape(F.permute(F.matmul(p, v), [0, 2, 1, 3]), [-1, 6, 16]);
    const z = F.add(this.out.call(joined), x);
    return F.linear(torchRelu(F.reshape(z, [-1, 16])), this.weight.tensor, null);
  }
}

/** `torch.relu`, which `nn.functional` has no function of: PyTorch's FX patterns know `F.relu` alone. */
function torchRelu(x: nn.Value): nn.Value {
  return callOperator({ target: 'aten.relu.default', args: [x], source: 'torch.relu' }) as nn.Value;
}

export class Reshaped extends nn.Module {
  readonly fc1 = new nn.Linear(16, 16);
  readonly fc2 = new nn.Linear(16, 5);

  override forward(x: nn.Value): nn.Value {
    const y = torchRelu(this.fc1.call(F.reshape(x, [-1, 16])));
    return this.fc2.call(F.reshape(y, [-1, 2, 16]));
  }
}

export class Words extends nn.Module {
  readonly table = new nn.Embedding(20, 12);
  readonly lstm = new nn.LSTM(12, 10, { batchFirst: true });
  readonly fc1 = new nn.Linear(10, 14);
  readonly fc2 = new nn.Linear(14, 6);

  override forward(tokens: nn.Value): nn.Value {
    const [states] = this.lstm.call(this.table.call(tokens)) as readonly nn.Value[];
    return this.fc2.call(F.relu(this.fc1.call(states!)));
  }
}
