import type { JsonCursor } from '../../formats/json-cursor.ts';
import type { Argument, Node } from '../../graph/index.ts';
import { readLayout, readMemoryFormat, readScalarType } from './values.ts';

/**
 * Reads one argument of a call: the `Argument` union of PyTorch's export schema.
 * @param kind the union's tag, `as_tensor` and the like.
 * @param at the tag's value.
 * @param node finds a node by name.
 * @throws Error with the document's path for kinds that no operator of Octavo accepts (subgraphs, custom objects).
 */
export function readArgument(
  kind: string,
  at: JsonCursor,
  node: (at: JsonCursor, name: string) => Node,
): Argument {
  const list = (read: (item: JsonCursor) => Argument) => at.items().map(read);
  const union = (item: JsonCursor) => readArgument(...item.union(), node);
  switch (kind) {
    case 'as_none':
      return null;
    case 'as_tensor':
      return node(at, at.field('name').string());
    case 'as_tensors':
      return list((item) => node(item, item.field('name').string()));
    case 'as_optional_tensors':
    case 'as_sym_ints':
    case 'as_sym_floats':
      return list(union);
    case 'as_optional_tensor':
    case 'as_sym_int':
    case 'as_sym_float':
    case 'as_sym_bool':
      return union(at);
    case 'as_name':
      return node(at, at.string());
    case 'as_int':
      return at.integer();
    case 'as_ints':
      return list((item) => item.integer());
    case 'as_float':
      return at.float();
    case 'as_floats':
      return list((item) => item.float());
    case 'as_bool':
      return at.bool();
    case 'as_bools':
      return list((item) => item.bool());
    case 'as_string':
      return at.string();
    case 'as_scalar_type':
      return readScalarType(at);
    case 'as_memory_format':
      return readMemoryFormat(at);
    case 'as_layout':
      return readLayout(at);
    case 'as_device':
      return at.field('type').string();
    default:
      return at.fail(`is an argument of kind '${kind}', which is not supported`);
  }
}
