/** What `POST /classify` answers. */
export interface Classification {
  /** The likeliest classes, the first one first. */
  readonly classes: readonly { readonly label: string; readonly probability: number }[];
  /** Times: from the file to the model's input, and in the model, waiting for it included. */
  readonly milliseconds: { readonly decode: number; readonly model: number };
}

/** What `GET /about` answers: what the page has to know. */
export interface About {
  readonly model: string;
  readonly labels: readonly string[];
  /** The largest picture that is read, in bytes. */
  readonly mostBytes: number;
  /** Pictures to try. */
  readonly samples: readonly { readonly url: string; readonly description: string }[];
}

/** What is answered with every status from 400 on. */
export interface Failure {
  readonly error: string;
}
