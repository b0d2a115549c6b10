import { operators } from '../../aten/index.ts';
import { type Argument, type Arguments, GET_ITEM, type Node } from '../../graph/index.ts';
import { type Add, type Call, type DecompositionDefinition, rankOf } from './decomposition.ts';

/**
 * A layer of an input without a batch, `[C, ...]`, is the layer of a batch of one.
 *
 *     conv2d(x [C, H, W], w)   ⇒   squeeze(conv2d(unsqueeze(x, 0), w), 0)
 *
 * @param name the operator; its input is the first argument.
 * @param axesOf the number of the layer's spatial extents.
 */
export function unbatched(name: string, axesOf: (args: Arguments<Node>) => number): DecompositionDefinition {
  const operator = operators.get(name);
  const [input, ...others] = operator.schema.arguments.map((argument) => argument.name);
  const { schema } = operator.definition;
  const applies = (args: Arguments<Node>) => rankOf(args.tensor(input), name) === axesOf(args) + 1;
  const ofOne = (add: Add, args: Arguments<Node>): Node =>
    add(
      name,
      add('aten.unsqueeze.default', args.tensor(input), 0),
      ...others.map((other) => args.raw(other) as Argument),
    );
  if (operator.schema.returns === 1)
    return { schema, applies, decompose: (add, args) => ['aten.squeeze.dim', ofOne(add, args), 0] };
  return {
    schema,
    applies,
    results: (add, args) => {
      const all = ofOne(add, args);
      return Array.from(
        { length: operator.schema.returns },
        (_, i) => (): Call => ['aten.squeeze.dim', add(GET_ITEM, all, i), 0],
      );
    },
  };
}
