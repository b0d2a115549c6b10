import { type UnaryNames, unaryNames } from '../../aten/pointwise/pointwise.ts';
import { functionsFusedInto, x86Backend } from '../../backend/index.ts';
import type { Argument } from '../../graph/index.ts';

/** The form of an operator that adds a second tensor. */
export interface BinaryForm {
  readonly operator: string;
  /** The argument for the tensor to add. */
  readonly addend: string;
  /** The arguments for the parameters of an added tensor of 8-bit integers, if it is supported. */
  readonly scale?: string;
  readonly zeroPoint?: string;
  /** Values of the arguments that select a plain addition. */
  readonly addition: Readonly<Record<string, Argument>>;
  /** The arguments of a pointwise function after the addition, if it is supported. */
  readonly unary?: UnaryNames;
}

/** An operator that can compute its successors, too. */
export interface FusedOperator {
  readonly operator: string;
  readonly unary?: UnaryNames;
  readonly binary?: BinaryForm;
  /** The pointwise functions that it can apply to its result, named as in the backend's description. */
  readonly functions: readonly string[];
  /** Whether it can return 8-bit integers: it then has output_scale, output_zero_point and output_dtype. */
  readonly quantizes: boolean;
}

const linearSum = {
  addend: 'other',
  scale: 'other_scale',
  zeroPoint: 'other_zp',
  addition: { binary_post_op: 'sum', binary_alpha: 1 },
  unary: unaryNames.quantizedLinearAddition,
};

const forms: readonly Omit<FusedOperator, 'functions'>[] = [
  {
    operator: 'onednn.qconv2d_pointwise.default',
    unary: unaryNames.layer,
    quantizes: true,
    binary: {
      operator: 'onednn.qconv2d_pointwise.binary',
      addend: 'qaccum',
      scale: 'accum_scale',
      zeroPoint: 'accum_zero_point',
      addition: { binary_attr: 'sum', alpha: 1 },
      unary: unaryNames.addition,
    },
  },
  { operator: 'onednn.qconv1d_pointwise.default', unary: unaryNames.layer, quantizes: true },
  {
    operator: 'onednn.qlinear_pointwise.default',
    unary: unaryNames.quantizedLinear,
    quantizes: true,
    binary: { ...linearSum, operator: 'onednn.qlinear_pointwise.binary' },
  },
  {
    operator: 'onednn.qlinear_pointwise.tensor',
    unary: unaryNames.quantizedLinear,
    quantizes: true,
    binary: { ...linearSum, operator: 'onednn.qlinear_pointwise.binary_tensor' },
  },
  {
    operator: 'mkldnn._convolution_pointwise.default',
    unary: unaryNames.layer,
    quantizes: false,
    binary: {
      operator: 'mkldnn._convolution_pointwise.binary',
      addend: 'other',
      addition: { binary_attr: 'add', alpha: 1 },
      unary: unaryNames.addition,
    },
  },
  {
    operator: 'mkldnn._linear_pointwise.default',
    unary: unaryNames.layer,
    quantizes: false,
    binary: { operator: 'mkldnn._linear_pointwise.binary', addend: 'other', addition: { attr: 'add' } },
  },
  { operator: 'octavo.binary.default', unary: unaryNames.layer, quantizes: true },
  { operator: 'octavo.batch_norm.default', unary: unaryNames.layer, quantizes: true },
  { operator: 'octavo.weight_only_linear.default', unary: unaryNames.layer, quantizes: false },
  { operator: 'octavo.matmul.default', quantizes: true },
  { operator: 'octavo.softmax.default', quantizes: true },
  { operator: 'octavo.layer_norm.default', quantizes: true },
];

/** Every operator that fuses something, by name: the plain forms and those with an addition. */
export const fusedOperators: ReadonlyMap<string, FusedOperator> = new Map(
  forms.flatMap((form) => {
    const { binary, quantizes } = form;
    if (!binary) return [entry(form)];
    const { operator, unary } = binary;
    return [entry(form), entry({ operator, quantizes, ...(unary ? { unary } : {}) })];
  }),
);

function entry(form: Omit<FusedOperator, 'functions'>): readonly [string, FusedOperator] {
  return [form.operator, { ...form, functions: functionsFusedInto(x86Backend, form.operator) }];
}
