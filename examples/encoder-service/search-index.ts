/** A text with its place in the order of similarity. */
export interface Hit {
  readonly text: string;
  /** The cosine between its embedding and the query's. */
  readonly similarity: number;
}

/** Texts by the direction of their embeddings, all in memory. */
export class SearchIndex {
  readonly #width: number;
  readonly #texts: string[] = [];
  readonly #directions: Float32Array[] = [];

  constructor(width: number) {
    this.#width = width;
  }

  /** @param embeddings of all texts, one after the other. */
  add(texts: readonly string[], embeddings: Float32Array): void {
    for (const [i, text] of texts.entries()) {
      this.#texts.push(text);
      this.#directions.push(direction(embeddings.subarray(i * this.#width, (i + 1) * this.#width)));
    }
  }

  /** The `count` texts most similar to the embedding, the best first. */
  search(embedding: Float32Array, count: number): readonly Hit[] {
    const query = direction(embedding);
    return this.#directions
      .map((other, i) => ({ text: this.#texts[i], similarity: dot(query, other) }))
      .sort((a, b) => b.similarity - a.similarity)
      .slice(0, count);
  }
}

function dot(a: Float32Array, b: Float32Array): number {
  return a.reduce((sum, value, i) => sum + value * b[i], 0);
}

function direction(embedding: Float32Array): Float32Array {
  const length = Math.sqrt(dot(embedding, embedding));
  return embedding.map((value) => value / length);
}
