import { parseArgs } from 'node:util';
import { ArgumentError } from '@ockham/core';
import type { EngineName } from '@ockham/core/backend/node';
import type { ScaleName } from './experiment.ts';
import { scaleNames } from './experiment.ts';

const engines: readonly EngineName[] = ['auto', 'tensorflow', 'wasm', 'webgpu', 'webgl', 'cpu'];

/** What the command line and the environment ask for; the command line wins. */
export interface Options {
  readonly command: 'run' | 'redraw' | 'cards' | 'report' | 'help';
  readonly scale: ScaleName;
  readonly firstSeed: number;
  /** Undefined: as many as the scale says. */
  readonly seeds: number | undefined;
  readonly engine: EngineName;
  readonly only: readonly string[];
  /** Of every package of the workspace. */
  readonly all: boolean;
  /** Undefined: by cores and memory. */
  readonly jobs: number | undefined;
  readonly fresh: boolean;
}

export const help = `ockham-reproduce: runs the experiments of the package in this folder, or with --all of every package

  --scale <name>    smoke, standard (default), extended or paper; or OCKHAM_SCALE
  --only <id>       this experiment alone; may be repeated
  --seeds <n>       this many seeds, from OCKHAM_SEED (default 0) on
  --all             every package of the workspace, then the report
  --engine <name>   auto (default), tensorflow, wasm, webgpu, webgl or cpu; or OCKHAM_ENGINE
  --jobs <n>        seeds that run at once, each on one thread; default: as cores and memory allow; or OCKHAM_JOBS
  --fresh           train again what an earlier run finished or began

  --redraw          judge and draw again from the rows on disk, at every scale, without training
  --cards           write the results into the package's README
  --report          join the results of all packages into report/index.html and REPRODUCIBILITY.md

Ctrl-C stops and keeps what is reached; the same command goes on from there.
`;

/**
 * Reads the options.
 *
 * @throws ArgumentError for an option that does not exist or a value out of range.
 */
export function readOptions(
  args: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): Options {
  const { values } = parse(args.filter((arg) => arg !== '--')); // pnpm hands its separator through
  const commands = (['help', 'redraw', 'cards', 'report'] as const).filter((name) => values[name]);
  if (commands.length > 1) {
    throw new ArgumentError(
      `ockham-reproduce: --${commands.join(' and --')} cannot be combined. Run one after the other.`,
    );
  }
  if (values.all && (commands.length > 0 || values.only)) {
    throw new ArgumentError(
      `ockham-reproduce: --all cannot be combined with --${commands[0] ?? 'only'}. Run that in the package's folder.`,
    );
  }
  const jobs = values.jobs ?? (env.OCKHAM_JOBS || undefined);
  return {
    command: commands[0] ?? 'run',
    scale: oneOf('the scale', values.scale ?? (env.OCKHAM_SCALE || 'standard'), scaleNames),
    firstSeed: integer('OCKHAM_SEED', env.OCKHAM_SEED || '0', 0),
    seeds: values.seeds === undefined ? undefined : integer('--seeds', values.seeds, 1),
    engine: oneOf('the engine', values.engine ?? (env.OCKHAM_ENGINE || 'auto'), engines),
    only: values.only ?? [],
    all: values.all ?? false,
    jobs: jobs === undefined ? undefined : integer('the number of jobs', jobs, 1),
    fresh: values.fresh ?? false,
  };
}

function parse(args: string[]) {
  try {
    return parseArgs({
      args,
      options: {
        scale: { type: 'string' },
        only: { type: 'string', multiple: true },
        seeds: { type: 'string' },
        engine: { type: 'string' },
        all: { type: 'boolean' },
        jobs: { type: 'string' },
        fresh: { type: 'boolean' },
        redraw: { type: 'boolean' },
        cards: { type: 'boolean' },
        report: { type: 'boolean' },
        help: { type: 'boolean', short: 'h' },
      },
    });
  } catch (cause) {
    throw new ArgumentError(`ockham-reproduce: ${(cause as Error).message}. See --help.`, { cause });
  }
}

function oneOf<T extends string>(what: string, value: string, allowed: readonly T[]): T {
  const found = allowed.find((name) => name === value);
  if (found === undefined)
    throw new ArgumentError(`ockham-reproduce: ${what} must be one of ${allowed.join(', ')}; got ${value}.`);
  return found;
}

function integer(what: string, text: string, least: number): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < least) {
    throw new ArgumentError(`ockham-reproduce: ${what} must be an integer ≥ ${least}, got ${text}.`);
  }
  return value;
}
