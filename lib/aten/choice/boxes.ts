import { type Arguments, type Dim, dimsEqual, mulDims, type TensorMeta } from '../../graph/index.ts';
import type { OperatorDefinition } from '../registry.ts';

/** @throws Error unless the argument is float32 of these extents; a text stands for any extent. */
function expect(args: Arguments<TensorMeta>, name: string, extents: readonly (Dim | string)[]): void {
  const { dtype, shape } = args.tensor(name);
  const fits =
    shape.length === extents.length &&
    extents.every((extent, i) => typeof extent === 'string' || dimsEqual(extent, shape[i]));
  if (!fits || dtype !== 'float32')
    throw new Error(
      `${args.schema.name}: ${name} must be float32[${extents.join(', ')}], got ${dtype}[${shape.join(', ')}]`,
    );
}

/** @throws Error unless the argument is one number of that dtype. */
function expectNumber(args: Arguments<TensorMeta>, name: string, expected: TensorMeta['dtype']): void {
  const { dtype, shape } = args.tensor(name);
  if (dtype !== expected || shape.length > 0)
    throw new Error(`${args.schema.name}: ${name} must be ${expected}[], got ${dtype}[${shape.join(', ')}]`);
}

/** Boxes that do not overlap better ones too much. */
export const boxChoices: readonly OperatorDefinition[] = [
  {
    schema: 'torchvision::nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor',
    counted: true,
    infer: (args) => {
      expect(args, 'dets', ['N', 4]);
      const [count] = args.tensor('dets').shape;
      expect(args, 'scores', [count]);
      return { dtype: 'int64', shape: [count] };
    },
    step: (args) => ({
      op: 'nms',
      inputs: [args.tensor('dets'), args.tensor('scores')],
      attributes: { iou: args.number('iou_threshold') },
    }),
  },
  {
    /**
     * ONNX's NonMaxSuppression: rows of `[batch, class, box]`, each class's best box first. Boxes are two opposite corners
     * (y, x, y, x), or center x, center y, width and height. Of a class at most `max_output_boxes_per_class` are chosen,
     * which never exceeds `most`, a bound on the memory of the result.
     */
    schema:
      'octavo::non_max_suppression(Tensor boxes, Tensor scores, Tensor max_output_boxes_per_class, Tensor iou_threshold, Tensor? score_threshold, bool center_point_box, int most) -> Tensor',
    counted: true,
    infer: (args) => {
      expect(args, 'boxes', ['batch', 'boxes', 4]);
      const [batch, count] = args.tensor('boxes').shape;
      expect(args, 'scores', [batch, 'classes', count]);
      expectNumber(args, 'max_output_boxes_per_class', 'int64');
      expectNumber(args, 'iou_threshold', 'float32');
      if (!args.isNone('score_threshold')) expectNumber(args, 'score_threshold', 'float32');
      const classes = args.tensor('scores').shape[1];
      const slots = typeof count === 'number' ? Math.min(count, args.number('most')) : count;
      return { dtype: 'int64', shape: [mulDims(batch, classes, slots), 3] };
    },
    step: (args) => {
      const threshold = args.optionalTensor('score_threshold');
      const given = ['boxes', 'scores', 'max_output_boxes_per_class', 'iou_threshold'];
      return {
        op: 'non_max_suppression',
        inputs: [...given.map((name) => args.tensor(name)), ...(threshold ? [threshold] : [])],
        attributes: {
          byCenter: args.bool('center_point_box'),
          hasThreshold: threshold !== null,
          most: args.number('most'),
        },
      };
    },
  },
];
