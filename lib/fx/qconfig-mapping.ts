import { inspect } from 'node:util';
import { keyOfType, keysOf, type ObjectType } from '../backend/index.ts';
import { QConfig } from '../quantization/index.ts';

/** A configuration, or null for what stays in floating point. */
export type QConfigAny = QConfig | null;

/** Which call of one type within a module: the first `F.linear` in `'block'` is `['block', F.linear, 0]`. */
interface Numbered {
  readonly moduleName: string;
  readonly type: string;
  readonly index: number;
  readonly qconfig: QConfigAny;
}

/**
 * Which QConfig each operator of a model has (counterpart: `torch.ao.quantization.QConfigMapping`). Of several that name an operator the
 * most particular counts: that for its number within a module, then its module's name or that of a module around it, then a regular
 * expression, its type, and the global one.
 *
 * @example
 * const mapping = new QConfigMapping()
 *   .setGlobal(getDefaultQconfig('x86'))
 *   .setObjectType(nn.Linear, perChannelDynamicQconfig)
 *   .setModuleNameRegex('layer[12]\\..*', null)
 *   .setModuleName('head', null);
 */
export class QConfigMapping {
  #global: QConfigAny = null;
  readonly #byType = new Map<string, QConfigAny>();
  readonly #byRegex = new Map<string, readonly [RegExp, QConfigAny]>();
  readonly #byName = new Map<string, QConfigAny>();
  readonly #byNumber = new Map<string, Numbered>();

  get globalQconfig(): QConfigAny {
    return this.#global;
  }

  /**
   * Sets the configuration of what no other one names.
   * @throws Error when it is neither a {@link QConfig} nor null. So do the other methods.
   */
  setGlobal(qconfig: QConfigAny): this {
    this.#global = checked(qconfig);
    return this;
  }

  /** Sets the configuration of a module class, a function or a method; see {@link ObjectType}. */
  setObjectType(type: ObjectType, qconfig: QConfigAny): this {
    this.#byType.set(keyOfType(type, 'QConfigMapping'), checked(qconfig));
    return this;
  }

  /**
   * Sets the configuration of modules whose name begins with a match of the expression, as Python's `re.match` has it. Of several that
   * match, the one set first counts.
   * @throws Error when a string is no regular expression.
   */
  setModuleNameRegex(regex: string | RegExp, qconfig: QConfigAny): this {
    const { source, flags } = new RegExp(regex);
    this.#byRegex.set(source, [new RegExp(`^(?:${source})`, flags), checked(qconfig)]);
    return this;
  }

  /** Sets the configuration of a module and of all modules in it. */
  setModuleName(moduleName: string, qconfig: QConfigAny): this {
    this.#byName.set(moduleName, checked(qconfig));
    return this;
  }

  /**
   * Sets the configuration of one call: the `index`-th of its type, from 0, that stands in the module itself.
   * @throws Error when the index is not a whole number from 0.
   */
  setModuleNameObjectTypeOrder(
    moduleName: string,
    objectType: ObjectType,
    index: number,
    qconfig: QConfigAny,
  ): this {
    if (!Number.isInteger(index) || index < 0)
      throw new Error(`QConfigMapping: index must be a whole number from 0, got ${String(index)}`);
    const type = keyOfType(objectType, 'QConfigMapping');
    this.#byNumber.set(`${moduleName} ${type} ${index}`, {
      ...{ moduleName, type, index },
      qconfig: checked(qconfig),
    });
    return this;
  }

  /** What {@link setObjectType} set for a type in canonical form; undefined if nothing. @internal */
  ofType(type: string): QConfigAny | undefined {
    const key = keysOf(type).find((each) => this.#byType.has(each));
    return key === undefined ? undefined : this.#byType.get(key);
  }

  /** What was set by name for a module, or for the nearest one around it, else by regular expression; undefined if nothing. @internal */
  ofModule(moduleName: string): QConfigAny | undefined {
    for (let name = moduleName; name !== ''; name = parentOf(name))
      if (this.#byName.has(name)) return this.#byName.get(name);
    const match = [...this.#byRegex.values()].find(([regex]) => regex.test(moduleName));
    return match?.[1];
  }

  /** What {@link setModuleNameObjectTypeOrder} set; undefined if nothing. @internal */
  ofNumber(moduleName: string, type: string, index: number): QConfigAny | undefined {
    const keys = keysOf(type);
    const found = [...this.#byNumber.values()].find(
      (one) => one.moduleName === moduleName && one.index === index && keys.includes(one.type),
    );
    return found?.qconfig;
  }
}

/** The name of the module that holds a module: `layer1` of `layer1.conv`, `''` of `conv`. */
export function parentOf(moduleName: string): string {
  return moduleName.slice(0, Math.max(moduleName.lastIndexOf('.'), 0));
}

function checked(qconfig: QConfigAny): QConfigAny {
  if (qconfig === null || qconfig instanceof QConfig) return qconfig;
  throw new Error(
    `QConfigMapping: a configuration is a QConfig, such as getDefaultQconfig() gives, or null; got ${inspect(qconfig, { depth: 0 })}`,
  );
}
