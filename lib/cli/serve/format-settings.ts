import { Document, isScalar, visit } from 'yaml';
import type { EffectiveSettings } from './effective-settings.ts';

/** The settings as a file in YAML, with where each comes from behind it. */
export function formatSettings({ settings, sources }: EffectiveSettings): string {
  const document = new Document(settings);
  visit(document.contents, {
    Pair(_, { key, value }) {
      if (!isScalar(key)) return undefined;
      if (isScalar(value)) value.comment = ` ${sources[String(key.value)]}`;
      // What stands below models is of the file.
      return visit.SKIP;
    },
  });
  return document.toString().trimEnd();
}
