import { DataError } from '@ockham/core';
import { parseJson } from '@ockham/core/files';
import { matchesEnd } from './path-pattern.ts';

/** What of PEFT's `adapter_config.json` is written and read here. */
export interface PeftConfig {
  /** Always `LORA`. */
  readonly peft_type: 'LORA';
  /** The base's name; says nothing about its weights. */
  readonly base_model_name_or_path: string | null;
  /** What PEFT calls the task; kept, not used. */
  readonly task_type: string | null;
  /** Whether the file is meant for use alone; kept, not used. */
  readonly inference_mode: boolean;
  /** Biases are not adapted. */
  readonly bias: 'none';
  /** PEFT's note of the base's order of axes; kept, not used. */
  readonly fan_in_fan_out: boolean;
  /** Rank of the adapter. */
  readonly r: number;
  /** α. */
  readonly lora_alpha: number;
  /** Part of the inputs that training drops, in [0, 1). */
  readonly lora_dropout: number;
  /** Whether the scale is α / √r. */
  readonly use_rslora: boolean;
  /** Whether directions and magnitudes are trained apart. */
  readonly use_dora: boolean;
  /** Module paths. */
  readonly target_modules: readonly string[];
  /** Module paths of layers that train whole. */
  readonly modules_to_save: readonly string[] | null;
  /** Ranks and α of modules that differ from `r` and `lora_alpha`, by path or by a regular expression for its end. */
  readonly rank_pattern: Readonly<Record<string, number>>;
  /** See {@link PeftConfig.rank_pattern}. */
  readonly alpha_pattern: Readonly<Record<string, number>>;
}

/** One module's rank and α. */
export interface ModuleScale {
  readonly module: string;
  readonly rank: number;
  readonly alpha: number;
}

/** The config of an adapter whose modules may differ in rank. */
export function peftConfig(
  modules: readonly ModuleScale[],
  rest: Pick<
    PeftConfig,
    'base_model_name_or_path' | 'lora_dropout' | 'use_rslora' | 'use_dora' | 'modules_to_save'
  >,
): PeftConfig {
  const { rank: r, alpha: lora_alpha } = modules[0]!;
  const others = (field: 'rank' | 'alpha', common: number) =>
    Object.fromEntries(modules.filter((m) => m[field] !== common).map((m) => [m.module, m[field]]));
  return {
    peft_type: 'LORA',
    task_type: null,
    inference_mode: true,
    bias: 'none',
    fan_in_fan_out: false,
    r,
    lora_alpha,
    target_modules: modules.map(({ module }) => module),
    rank_pattern: others('rank', r),
    alpha_pattern: others('alpha', lora_alpha),
    ...rest,
  };
}

/**
 * Reads an `adapter_config.json`. What is absent gets PEFT's default.
 *
 * @throws DataError `corrupt-file` where it is no JSON, of another method, or lacks r.
 */
export function parsePeftConfig(text: string, who: string): PeftConfig {
  let given: Partial<Record<keyof PeftConfig, unknown>>;
  try {
    given = parseJson(text, who) as typeof given;
  } catch (cause) {
    throw corrupt(who, 'is no JSON, or none to trust', cause);
  }
  if (typeof given !== 'object' || given === null || Array.isArray(given))
    throw corrupt(who, 'must be a JSON object');
  if (given.peft_type !== 'LORA') {
    throw corrupt(who, `must have the peft_type LORA, got ${brief(given.peft_type)}`);
  }
  const number = (name: keyof PeftConfig, otherwise?: number): number => {
    const value = given[name] ?? otherwise;
    if (typeof value === 'number' && Number.isFinite(value)) return value;
    throw corrupt(who, `must have a number as ${name}, got ${brief(value)}`);
  };
  const bias = given.bias ?? 'none';
  if (bias !== 'none') throw corrupt(who, `must have the bias none, got ${brief(bias)}`);
  const patterns = (name: 'rank_pattern' | 'alpha_pattern') => {
    const value = given[name] ?? {};
    const isRecord = typeof value === 'object' && !Array.isArray(value);
    if (isRecord && Object.values(value).every((each) => Number.isFinite(each)))
      return value as Record<string, number>;
    throw corrupt(who, `must have numbers by pattern as ${name}, got ${brief(value)}`);
  };
  const list = (value: unknown) =>
    Array.isArray(value) ? value.filter((each): each is string => typeof each === 'string') : [];
  const orNull = (value: unknown) => (typeof value === 'string' ? value : null);
  return {
    peft_type: 'LORA',
    base_model_name_or_path: orNull(given.base_model_name_or_path),
    task_type: orNull(given.task_type),
    inference_mode: given.inference_mode === true,
    bias,
    fan_in_fan_out: given.fan_in_fan_out === true,
    r: number('r'),
    lora_alpha: number('lora_alpha', 8),
    lora_dropout: number('lora_dropout', 0),
    use_rslora: given.use_rslora === true,
    use_dora: given.use_dora === true,
    target_modules: list(given.target_modules),
    modules_to_save: given.modules_to_save ? list(given.modules_to_save) : null,
    rank_pattern: patterns('rank_pattern'),
    alpha_pattern: patterns('alpha_pattern'),
  };
}

/** A module's rank and α: the first pattern that its path ends with, at a point or as a whole; else the common ones. */
export function scaleOf(config: PeftConfig, module: string): ModuleScale {
  const lookUp = (patterns: Readonly<Record<string, number>>, otherwise: number) => {
    const key = Object.keys(patterns).find((pattern) => endsWith(module, pattern));
    return key === undefined ? otherwise : patterns[key]!;
  };
  return {
    module,
    rank: lookUp(config.rank_pattern, config.r),
    alpha: lookUp(config.alpha_pattern, config.lora_alpha),
  };
}

function endsWith(module: string, pattern: string): boolean {
  if (module === pattern) return true;
  try {
    return matchesEnd(module, pattern);
  } catch {
    return false; // a path with a sign that no pattern allows, or one that is not known
  }
}

function brief(value: unknown): string {
  return (JSON.stringify(value) ?? 'nothing').slice(0, 200);
}

function corrupt(who: string, what: string, cause?: unknown): DataError {
  return new DataError('corrupt-file', `${who}: the adapter's config ${what}. Export the adapter again.`, {
    cause,
  });
}
