const animals = ['fox', 'owl', 'horse', 'otter', 'crow', 'wolf', 'hare', 'badger'] as const;
const acts = ['crosses', 'watches', 'follows', 'leaves', 'finds', 'guards'] as const;
const things = ['river', 'forest', 'village', 'bridge', 'garden', 'mountain', 'harbour', 'meadow'] as const;
const times = ['at night', 'in winter', 'before sunrise', 'after the rain', 'every morning'] as const;

/** Every seventh of all sentences of an animal, what it does, to what and when. */
export const corpus: readonly string[] = animals
  .flatMap((animal) =>
    acts.flatMap((act) =>
      things.flatMap((thing) => times.map((time) => `The ${animal} ${act} the ${thing} ${time}`)),
    ),
  )
  .filter((_, i) => i % 7 === 0);

/** The corpus's words, and some that questions have. */
export const vocabulary: readonly string[] = [
  ...new Set([
    ...corpus.flatMap((text) => text.toLowerCase().split(' ')),
    'a',
    'which',
    'does',
    'and',
    'that',
  ]),
];
