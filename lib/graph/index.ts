export { Arguments } from './arguments.ts';
export { bindCall } from './bind-to-schema.ts';
export { constantNodes } from './constant-nodes.ts';
export { DisjointSet } from './disjoint-set.ts';
export { functionalName } from './functional-name.ts';
export { GET_ITEM, pickItem } from './get-item.ts';
export { Graph } from './graph.ts';
export {
  type CallableModule,
  GraphModule,
  type GraphModuleMeta,
  isStateful,
  type NodeBuilder,
  type StatefulModule,
} from './graph-module.ts';
export { Interpreter } from './interpreter.ts';
export { attributeNode, isCall, onlyUser } from './match.ts';
export {
  type NamedPattern,
  type NamedSubgraphMatch,
  SubgraphMatcherWithNameNodeMap,
} from './matching/named-subgraph-matcher.ts';
export { equivalentsOf, findSequentialPartitions } from './matching/sequential-partitions.ts';
export { areConnected, getSourcePartitions, type SourcePartition } from './matching/source-partitions.ts';
export {
  type SubgraphMatch,
  SubgraphMatcher,
  type SubgraphMatcherOptions,
} from './matching/subgraph-matcher.ts';
export {
  calledOperators,
  countOperators,
  describeOperators,
  describeRanges,
  describeTensor,
  type ModelDescription,
  type OperatorCount,
  type ProgramDescription,
  totalWeights,
  type ValueDescription,
  type WeightTotal,
} from './model-description.ts';
export { modelLine } from './model-line.ts';
export {
  type Argument,
  describeValue,
  isArgumentList,
  isTensorMeta,
  type MetaValue,
  type ModuleFrame,
  mapArgument,
  mapArguments,
  Node,
  type NodeMeta,
  type NodeOp,
  type NumericDebugHandle,
  type SourceFn,
  type TensorMeta,
  tensorMeta,
  visitNodes,
} from './node.ts';
export type { Operator, OperatorLibrary, RuntimeValue } from './operator.ts';
export { printGraph } from './printer.ts';
export { operatorName, parseSchema, type Schema, type SchemaArgument, type SchemaType } from './schema.ts';
export {
  deserializeGraph,
  type JsonGraph,
  serializeArgument,
  serializeGraph,
  serializeNumber,
} from './serialize.ts';
export { inferCall, inferNode, propagateShapes } from './shape-propagation.ts';
export {
  bindInputs,
  bindOutputs,
  bindShapes,
  declaredInputs,
  fixedShapes,
  inputsOf,
  type ModelInputs,
  type ModelOutputs,
  type ModelShapes,
  outputsOf,
  type TensorInfo,
} from './signature.ts';
export {
  ceilDivDims,
  floorDivDims,
  isAtMost,
  isEqual,
  maxDims,
  minDims,
  modDims,
  truncate,
} from './size-functions.ts';
export {
  deserializeRanges,
  type SymbolRange,
  type SymbolRanges,
  serializeRanges,
} from './symbol-range.ts';
export {
  addDims,
  type Dim,
  dependsOnValues,
  dimsEqual,
  divDims,
  isFoundByValues,
  mulDims,
  SymInt,
  type SymTerm,
  staticDim,
  subDims,
} from './symbolic.ts';
export { SymFloat } from './symbolic-float.ts';
