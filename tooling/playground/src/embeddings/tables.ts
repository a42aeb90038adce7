import {
  CountSketchEmbedding,
  HashEmbedding,
  RobeEmbedding,
  TableEmbedding,
  type CompressedEmbedding,
} from '@ockham/count-sketch-embed';
import { VOCABULARY } from './texts.ts';

/** The forms of table that the page offers, by what it calls them. */
export const FORMS = {
  'count-sketch': 'Count sketch, 3 hashes',
  hash: 'One hash',
  robe: 'ROBE, one circular array',
} as const;

/** One of {@link FORMS}. */
export type Form = keyof typeof FORMS;

/** How many times smaller than the plain table the tables of a run are; the first is the plain one itself. */
export const FACTORS = [1, 2, 4, 8, 16, 32, 64] as const;

export const DIMENSION = 16;
const DEVIATION = 0.1;

/** A table about `factor` times smaller than the plain one. */
export function makeTable(form: Form, factor: number, seed: number): CompressedEmbedding {
  const common = { vocabulary: VOCABULARY, dimension: DIMENSION, deviation: DEVIATION, seed };
  const rows = Math.round(VOCABULARY / factor);
  if (factor === 1) return new TableEmbedding(common);
  if (form === 'count-sketch')
    return new CountSketchEmbedding({ ...common, rows: Math.round(rows / 3), signs: 'coordinate' });
  if (form === 'hash') return new HashEmbedding({ ...common, rows, signs: 'coordinate' });
  return new RobeEmbedding({ ...common, size: rows * DIMENSION, block: DIMENSION });
}
