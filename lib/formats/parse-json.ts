/** Far more than any file needs, and few enough for functions that call themselves. */
const DEEPEST = 256;

/**
 * `JSON.parse` for text from files, whose lists in lists could otherwise be too many for whoever walks over them.
 * @throws Error when the text is not JSON, or lists and objects in it are nested deeper than 256.
 */
export function parseJson(text: string): unknown {
  const document: unknown = JSON.parse(text);
  let level = [document];
  for (let depth = 0; level.length > 0; depth++) {
    if (depth > DEEPEST) throw new Error(`lists and objects are nested deeper than ${DEEPEST}`);
    const next: unknown[] = [];
    for (const value of level)
      if (typeof value === 'object' && value !== null)
        for (const item of Object.values(value)) if (typeof item === 'object') next.push(item);
    level = next;
  }
  return document;
}
