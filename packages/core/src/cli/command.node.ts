import type { LayersModel } from '@tensorflow/tfjs-layers';
import type { Dataset, Split } from '../dataset.ts';
import type { ModelComparison } from '../metrics/compare-models.ts';
import type { LatencyOptions } from '../metrics/latency.ts';
import type { Progress } from '../progress.ts';
import type { Loss, SnapshotStore } from '../training/types.ts';

/** One option of a command, written `--<name>`. */
export interface OptionSpec {
  /** `number` also takes a fraction such as `1/255`; `list` may be given several times. */
  readonly type: 'boolean' | 'number' | 'integer' | 'string' | 'list';
  /** One sentence for `--help`, ranges and the default in it. */
  readonly help: string;
  /** What stands for the value in `--help`. Default: the type. */
  readonly value?: string;
  /** The texts that are taken. Default: any. */
  readonly choices?: readonly string[];
}

/** Options by name, in the order of `--help`. */
export type OptionSpecs = Readonly<Record<string, OptionSpec>>;

/** What of an option's specification says the type of its value. */
export interface Choice<T extends string> extends OptionSpec {
  readonly type: 'string';
  readonly choices: readonly T[];
}

type ValueOf<S> =
  S extends Choice<infer T>
    ? T
    : S extends { readonly type: 'boolean' }
      ? boolean
      : S extends { readonly type: 'number' | 'integer' }
        ? number
        : S extends { readonly type: 'list' }
          ? readonly string[]
          : string;

/** The values of options that were given. */
export type OptionValues<O extends OptionSpecs = OptionSpecs> = {
  readonly [K in keyof O]?: ValueOf<O[K]>;
};

/** What a command works with: everything is open and checked. */
export interface CommandContext<O extends OptionSpecs = OptionSpecs> {
  /** The caller disposes of it. */
  readonly model: LayersModel;
  /** The options that were given, checked. */
  readonly options: OptionValues<O>;
  /** What `--data` named, in the shape that the model takes. */
  readonly data?: Pick<Dataset, 'train'> & { readonly test?: Split };
  /** That of the option, else what the model's last activation and the targets ask for. */
  readonly loss: Exclude<Loss, (...args: never[]) => unknown>;
  /** That of `--seed`. Seeds whatever the command draws. */
  readonly seed: number;
  /** `false` where `--no-latency` was given. */
  readonly latency: LatencyOptions | false;
  /** Where `--checkpoint` was given. */
  readonly checkpoint?: SnapshotStore;
  /** Writes to standard error. */
  readonly progress: Progress;
  /** Fires when the run is to stop, for example at Ctrl-C. */
  readonly signal: AbortSignal;
}

/** What `--dry-run` prints. */
export interface CommandPlan {
  /** For people. */
  readonly text: string;
  /** For `--json`. */
  readonly plan: unknown;
}

/** What a command has done; nothing is written yet. */
export interface CommandResult {
  /** By their paths within `--out`. */
  readonly files: ReadonlyMap<string, Uint8Array>;
  /** Names of `files`, or sets of them, that each hold the whole model: the smallest is compared with what was opened. */
  readonly forms: readonly (readonly string[])[];
  /** The model before and after. */
  readonly report: ModelComparison;
  /** What else there is to say in `--json`. */
  readonly details?: unknown;
  /** The same for people; printed before the report. */
  readonly text?: string;
  /** The model is not meant to be smaller. Default false. */
  readonly sameSize?: boolean;
}

/** One thing that a bin does. */
export interface Command<O extends OptionSpecs = OptionSpecs> {
  /** The first word of the command line; of a bin with one command there is none. */
  readonly name?: string;
  /** What it does to the model, in one sentence. */
  readonly summary: string;
  /** Its own options, beside those that every command has. */
  readonly options: O;
  /** Whether `--data` is needed. */
  readonly data: 'required' | 'optional';
  /** Whether a run that was stopped can go on, from `--checkpoint`. Default false. */
  readonly resumes?: boolean;
  /** Whole command lines after the bin's name, each with what it does. */
  readonly examples: readonly (readonly [line: string, does: string])[];
  /** What it would do. Nothing is written. */
  plan(context: CommandContext<O>): Promise<CommandPlan>;
  /** Does it. Files are written by the caller, when all is done. */
  run(context: CommandContext<O>): Promise<CommandResult>;
}

/** A bin. */
export interface Cli {
  /** The package's name, for example `@ockham/fw-prune`. */
  readonly name: string;
  /** The package's version, for `--version`. */
  readonly version: string;
  /** What the bin does: one command without a name, or several with. */
  readonly commands: readonly Command[];
}
