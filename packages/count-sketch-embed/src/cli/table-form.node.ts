import { ArgumentError } from '@ockham/core';
import { given } from '@ockham/core/cli/node';
import type { TableForm } from '../fit/options.ts';

/** The forms that the command line has; the function has more. */
export type MethodName =
  'count-sketch' | 'hash' | 'robe' | 'quotient-remainder' | 'product-quantisation' | 'int8';

/** A table to compress. */
export interface TableSize {
  readonly vocabulary: number;
  readonly dimension: number;
}

/** Options that say how large a table gets. */
export interface FormValues {
  readonly method?: MethodName;
  readonly ratio?: number;
  readonly rows?: number;
  readonly hashes?: number;
  readonly estimator?: 'median' | 'mean' | 'median-of-means';
  readonly size?: number;
  readonly block?: number;
  readonly buckets?: number;
  readonly parts?: number;
  readonly 'heavy-hitters'?: number;
}

/** Which options belong to which form. */
const TAKES: Readonly<Record<MethodName, readonly (keyof FormValues)[]>> = {
  'count-sketch': ['ratio', 'rows', 'hashes', 'estimator', 'heavy-hitters'],
  hash: ['ratio', 'rows', 'heavy-hitters'],
  robe: ['ratio', 'size', 'block'],
  'quotient-remainder': ['buckets'],
  'product-quantisation': ['parts'],
  int8: [],
};

/**
 * The form that options ask for.
 *
 * @param tables What will be compressed; a ratio needs them to be of one size.
 * @throws ArgumentError for options of another form, none of size, or a ratio that fits no table.
 */
export function formOf(values: FormValues, tables: readonly TableSize[]): TableForm {
  const { method = 'count-sketch', rows, hashes = 4, estimator, size, block, buckets, parts } = values;
  const all = new Set(Object.values(TAKES).flat());
  for (const name of all) {
    if (values[name] === undefined || TAKES[method].includes(name)) continue;
    throw new ArgumentError(
      `--${name} does not belong to ${method}, which takes ${TAKES[method].map((each) => `--${each}`).join(', ') || 'none such'}. Leave it out.`,
    );
  }
  const heavyHitters = values['heavy-hitters'];
  switch (method) {
    case 'count-sketch':
      return {
        method,
        rows: rows ?? sized('--rows', values, tables, hashes),
        hashes,
        ...given({ estimator, heavyHitters }),
      };
    case 'hash':
      return { method, rows: rows ?? sized('--rows', values, tables, 1), ...given({ heavyHitters }) };
    case 'robe':
      return {
        method,
        size: size ?? sized('--size', values, tables, 1, tables[0]!.dimension),
        ...given({ block }),
      };
    case 'quotient-remainder':
      return { method, ...given({ buckets }) };
    case 'product-quantisation':
      if (parts === undefined)
        throw new ArgumentError('product-quantisation needs --parts, the bytes of a token; 8 is a start.');
      return { method, parts };
    case 'int8':
      return { method };
  }
}

/** What a ratio makes of a size: `vocabulary · times / (ratio · shares)`. */
function sized(
  option: string,
  { ratio }: FormValues,
  tables: readonly TableSize[],
  shares: number,
  times = 1,
): number {
  if (ratio === undefined) throw new ArgumentError(`${option} or --ratio must say how small the table gets.`);
  if (!(ratio > 1)) throw new ArgumentError(`--ratio must be above 1, got ${ratio}.`);
  const [first, ...others] = tables;
  if (others.some(({ vocabulary }) => vocabulary !== first!.vocabulary))
    throw new ArgumentError(
      `--ratio needs tables of one size, got ${tables.map(({ vocabulary, dimension }) => `${vocabulary}×${dimension}`).join(', ')}. Name one with --table.`,
    );
  const size = Math.floor((first!.vocabulary * times) / (ratio * shares));
  if (size >= 1) return size;
  throw new ArgumentError(
    `--ratio ${ratio} leaves nothing of ${first!.vocabulary} rows in ${shares} parts. Take a smaller one.`,
  );
}
