import { Command } from 'commander';
import { describe, expect, it } from 'vitest';
import { addInputOptions, inputOptionsOf } from '../../lib/cli/options/input-options.ts';

function parse(...args: string[]) {
  const command = addInputOptions(new Command().exitOverride().configureOutput({ writeErr: () => {} }));
  command.parse(args, { from: 'user' });
  return inputOptionsOf(command.opts());
}

describe('options that decide about the inputs of a .onnx file', () => {
  it('are what loadOnnx accepts', () => {
    expect(parse()).toEqual({});
    const given = [
      '--bind',
      'sr=16000',
      '--bind',
      'a=b=-0.5',
      '--shape',
      'x:0=1,3,64,64',
      '--shape',
      'y=n,4',
    ];
    expect(parse(...given)).toEqual({
      bind: { sr: 16000, 'a=b': -0.5 },
      shapes: { 'x:0': [1, 3, 64, 64], y: ['n', 4] },
    });
  });

  it.each([
    ['--bind', 'sr'],
    ['--bind', '=1'],
    ['--bind', 'sr=fast'],
    ['--shape', 'x=1,-2'],
    ['--shape', 'x=1.5'],
  ])('%s %s is refused', (option, value) => {
    expect(() => parse(option, value)).toThrow(/must be/);
  });
});
