import { Tokenizer } from '@huggingface/tokenizers';
import { Tensor } from 'octavo';

/** What the encoder takes, for texts of one batch. */
export interface TokenBatch {
  readonly ids: Tensor;
  readonly positions: Tensor;
  readonly mask: Tensor;
}

const [unknown, start, end] = ['[UNK]', '[CLS]', '[SEP]'] as const;

/** A tokenizer of whole words, lower case, over a vocabulary: what `tokenizer.json` holds for a trained model. */
export function wordTokenizer(vocabulary: readonly string[]): Tokenizer {
  const words = [unknown, start, end, ...vocabulary];
  const special = (content: string) => ({ id: content, ids: [words.indexOf(content)], tokens: [content] });
  return new Tokenizer(
    {
      version: '1.0',
      added_tokens: [],
      normalizer: { type: 'Lowercase' },
      pre_tokenizer: { type: 'Whitespace' },
      post_processor: {
        type: 'TemplateProcessing',
        single: [
          { SpecialToken: { id: start, type_id: 0 } },
          { Sequence: { id: 'A', type_id: 0 } },
          { SpecialToken: { id: end, type_id: 0 } },
        ],
        pair: [],
        special_tokens: { [start]: special(start), [end]: special(end) },
      },
      decoder: null,
      model: {
        type: 'WordLevel',
        vocab: Object.fromEntries(words.map((word, id) => [word, id])),
        unk_token: unknown,
      },
    },
    { unk_token: unknown },
  );
}

/**
 * Texts as rows of token ids, padded to one length; the mask says where. Lengths are multiples of 8: then requests of all
 * lengths need few plans, and to make one takes about as long as to compute a request.
 * @throws Error for no texts at all, and for one that has more than `most` tokens.
 */
export function tokenBatch(tokenizer: Tokenizer, texts: readonly string[], most: number): TokenBatch {
  if (texts.length === 0) throw new Error('there is no text to encode');
  const rows = texts.map((text) => tokenizer.encode(text).ids);
  const longest = Math.max(...rows.map((row) => row.length));
  if (longest > most) throw new Error(`a text has ${longest} tokens; the encoder takes up to ${most}`);
  const length = Math.min(most, Math.ceil(longest / 8) * 8);
  const shape = [texts.length, length];
  const at = (value: (row: readonly number[], position: number) => number) =>
    rows.flatMap((row) => Array.from({ length }, (_, position) => value(row, position)));
  return {
    ids: Tensor.from(
      'int64',
      at((row, i) => row[i] ?? 0),
      shape,
    ),
    positions: Tensor.from(
      'int64',
      at((_, i) => i),
      shape,
    ),
    mask: Tensor.from(
      'bool',
      at((row, i) => (i < row.length ? 1 : 0)),
      shape,
    ),
  };
}
