import type { Form } from './tables.ts';

/** What the page asks: tables of one form, each smaller than the one before, trained from a seed. */
export interface EmbeddingsCommand {
  readonly seed: number;
  readonly form: Form;
}

/** A trained table. */
export interface TableResult {
  readonly form: Form;
  /** How many times smaller than the plain table it was asked to be; 1 is the plain table. */
  readonly factor: number;
  /** Of the saved table. */
  readonly bytes: number;
  /** On texts that it did not learn from, in [0, 1]. */
  readonly accuracy: number;
}

/** What the page hears; `pass` counts from 1. */
export type EmbeddingsReport =
  | { readonly kind: 'pass'; readonly factor: number; readonly pass: number; readonly of: number }
  | { readonly kind: 'table'; readonly table: TableResult };
