import { Tensor } from '../../../../tensor/index.ts';
import type { OnnxCall, OnnxEmitters } from '../call.ts';
import type { OnnxValue } from '../value.ts';

/** ONNX has a row for each axis, PyTorch one for each element. */
function nonzero(call: OnnxCall): OnnxValue {
  const { self, meta } = call;
  const [count, rank] = meta.shape;
  if (rank === 0) throw new Error('of a tensor without dimensions, ONNX returns another shape than PyTorch');
  const rows = call.op('NonZero', [self], {}, { dtype: 'int64', shape: [rank, count] });
  return call.transpose(rows, [1, 0]);
}

/** As one class of one image. ONNX's corners begin with y; for the overlap that is the same. */
function nms(call: OnnxCall): OnnxValue {
  const { args, meta } = call;
  const [count] = meta.shape;
  const inputs = [
    call.unsqueeze(args.tensor('dets'), [0]),
    call.unsqueeze(args.tensor('scores'), [0, 1]),
    call.constant(Tensor.from('int64', [2 ** 31 - 1])),
    call.constant(Tensor.from('float32', [args.number('iou_threshold')])),
  ];
  const rows = call.op('NonMaxSuppression', inputs, {}, { dtype: 'int64', shape: [count, 3] });
  return call.op('Gather', [rows, call.scalar(2, 'int64')], { axis: 1 }, { shape: [count] });
}

function nonMaxSuppression(call: OnnxCall): OnnxValue {
  const { args, meta } = call;
  const given = ['boxes', 'scores', 'max_output_boxes_per_class', 'iou_threshold'];
  const threshold = args.optionalTensor('score_threshold');
  return call.op(
    'NonMaxSuppression',
    [...given.map((name) => args.tensor(name)), ...(threshold ? [threshold] : [])].map((value) =>
      value.rank === 0 ? call.reshape(value, [1]) : value,
    ),
    { center_point_box: Number(args.bool('center_point_box')) },
    { dtype: 'int64', shape: meta.shape },
  );
}

/** Operators whose number of results depends on values. */
export const choiceEmitters: OnnxEmitters = {
  'aten.nonzero.default': nonzero,
  'torchvision.nms.default': nms,
  'octavo.non_max_suppression.default': nonMaxSuppression,
};
