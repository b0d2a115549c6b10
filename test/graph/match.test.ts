import { expect, test } from 'vitest';
import { Graph, isCall, onlyUser } from '../../lib/graph/index.ts';

test('a call is recognized by its operator, and only a call', () => {
  const graph = new Graph();
  const x = graph.placeholder('x');
  const relu = graph.callFunction('aten.relu.default', [x]);
  expect(isCall(relu, 'aten.add.Tensor', 'aten.relu.default')).toBe(true);
  expect(isCall(relu, 'aten.add.Tensor')).toBe(false);
  expect(isCall(x, 'x')).toBe(false);
  expect(isCall(3, 'aten.relu.default')).toBe(false);
  expect(isCall(undefined, 'aten.relu.default')).toBe(false);
});

test('the only user is the one node that takes the value, however often', () => {
  const graph = new Graph();
  const x = graph.placeholder('x');
  expect(onlyUser(x)).toBeUndefined();
  const square = graph.callFunction('aten.mul.Tensor', [x, x]);
  expect(onlyUser(x)).toBe(square);
  graph.callFunction('aten.relu.default', [x]);
  expect(onlyUser(x)).toBeUndefined();
});
