import { DataError, type Provenance } from '@ockham/core';
import type { FigureVerdicts } from './evaluate.ts';
import type { Row, ScaleName } from './experiment.ts';

/** Raised when a reader of older files could misread a newer one. */
export const resultSchema = 1;

/** The engine of a run. The last bits of its numbers depend on name, version and threads. */
export interface EngineUsed {
  readonly name: string;
  readonly reason: string;
  readonly version?: string;
  readonly threads?: number;
}

/** What a run used; whoever reads a figure can find the same conditions again. */
export interface RunProvenance {
  readonly seeds: readonly number[];
  /** Git commit, `null` outside a repository. */
  readonly commit: string | null;
  /** The working tree differed from the commit. */
  readonly dirty: boolean;
  /** SHA-256 over the sources that the experiment loaded, shortened. */
  readonly sources: string;
  /** SHA-256 over configuration, engine, data and sources: rows of another run with the same key can be kept. */
  readonly key: string;
  readonly engine: EngineUsed;
  /** Seeds of experiments that could run at once, each in a process of its own; absent from results before there were any. */
  readonly jobs?: number;
  readonly datasets: Readonly<Record<string, Provenance>>;
  readonly machine: {
    readonly cpu: string;
    readonly cores: number;
    readonly platform: string;
    readonly node: string;
  };
  /** Seconds of work per seed, interrupted attempts included, and their sum. */
  readonly seconds: { readonly bySeed: Readonly<Record<string, number>>; readonly total: number };
  /** ISO date of the last seed's end. */
  readonly finished: string;
}

/** A figure as it was judged when the run ended; readers recompute it from the rows. */
export interface ResultFigure extends FigureVerdicts {
  readonly title: string;
  readonly paperClaim: string;
  /** File name of the drawing beside this file; absent when skipped. */
  readonly svg?: string;
}

/** The content of `reproduce/results/<scale>/<experiment>.json`. */
export interface Result {
  readonly schema: typeof resultSchema;
  readonly experiment: string;
  readonly paper: string;
  readonly scale: ScaleName;
  /** Run on an embedded sample; such a file is named `<experiment>.sample.json`. */
  readonly sample: boolean;
  /** What to provide, when a dataset was missing. */
  readonly skipped?: string;
  readonly config: Readonly<Record<string, { readonly value: unknown; readonly why: string }>>;
  readonly differences: readonly string[];
  readonly figures: readonly ResultFigure[];
  readonly provenance: RunProvenance;
  readonly rows: readonly Row[];
}

/** JSON with one row per line, so that a changed figure shows as a changed line. */
export function formatResult(result: Result): string {
  const { rows, ...rest } = result;
  const head = JSON.stringify(rest, null, 2).replace(/\n\}$/, '');
  const lines = rows.map((row) => `    ${JSON.stringify(row)}`).join(',\n');
  return `${head},\n  "rows": [${lines && `\n${lines}\n  `}]\n}\n`;
}

/**
 * Reads a result file's text.
 *
 * @throws DataError `corrupt-file` for text that is no result of this schema.
 */
export function parseResult(text: string, path: string): Result {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new DataError(
      'corrupt-file',
      `reproduce: ${path} is not JSON. Restore it from git, or run the experiment again.`,
      { cause },
    );
  }
  const result = value as Partial<Result>;
  if (
    typeof value !== 'object' ||
    value === null ||
    result.schema !== resultSchema ||
    !Array.isArray(result.rows)
  ) {
    throw new DataError(
      'corrupt-file',
      `reproduce: ${path} must be a result of schema ${resultSchema}, got schema ${result?.schema}. Run the experiment again.`,
    );
  }
  return result as Result;
}
