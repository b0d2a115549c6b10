/** Text that is HTML already. Only {@link html} and what the page itself brings with it make some. */
export class Markup {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

/** What stands between tags; nothing where there is nothing to say. */
export type Content = Markup | string | number | undefined | readonly Content[];

/** A template whose values are escaped, unless they are {@link Markup}: names come from model files, which may be hostile. */
export function html(strings: TemplateStringsArray, ...values: readonly Content[]): Markup {
  return new Markup(strings.reduce((text, part, i) => `${text}${textOf(values[i - 1])}${part}`));
}

function textOf(content: Content): string {
  if (content === undefined) return '';
  if (content instanceof Markup) return content.text;
  if (typeof content === 'object') return content.map(textOf).join('');
  return escaped(String(content));
}

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

const escaped = (text: string) => text.replace(/[&<>"']/g, (character) => entities[character]);

/** Data for the page's script, with more digits than it shows. A `<` could end the element that holds it. */
export function json(value: unknown): Markup {
  const shorter = (_: string, each: unknown) =>
    typeof each === 'number' ? Number(each.toPrecision(6)) : each;
  return new Markup(JSON.stringify(value, shorter).replaceAll('<', '\\u003c'));
}
