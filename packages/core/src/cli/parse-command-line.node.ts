import { parseArgs, type ParseArgsConfig } from 'node:util';
import type { Cli, Command, OptionSpec, OptionSpecs, OptionValues } from './command.node.ts';
import { commonOptions, type CommonValues } from './common-options.node.ts';

/** A command line that was understood. */
export interface CommandLine {
  /** Undefined where none was named, which only `--help` and `--version` allow. */
  readonly command: Command | undefined;
  /** What stands where the model is expected; undefined for `--help` and `--version`. */
  readonly model: string | undefined;
  readonly common: CommonValues;
  readonly options: OptionValues;
}

/** A command line that breaks a rule; the message says which. Exit code 2. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/**
 * Reads a command line.
 *
 * @param argv The words after the bin's name.
 * @throws UsageError for unknown options, values of another type, and what is missing.
 */
export function parseCommandLine({ commands }: Cli, argv: readonly string[]): CommandLine {
  const [first] = argv;
  const only = commands.length === 1 ? commands[0] : undefined;
  const command = only ?? commands.find(({ name }) => name === first);
  const specs = allOptions(command ?? { options: {} });
  const { values, positionals } = parsed(specs, only || !command ? argv : argv.slice(1));
  const common = values as CommonValues;
  if (common.help || common.version) return { command, model: undefined, common, options: {} };
  if (!command) {
    const names = commands.map(({ name }) => name).join(', ');
    throw new UsageError(
      `the first word must be one of ${names}, got ${first === undefined ? 'none' : `'${first}'`}.`,
    );
  }
  const [model, ...more] = positionals;
  if (model === undefined) throw new UsageError('name the model: its model.json, or the folder with it.');
  if (more.length > 0)
    throw new UsageError(
      `takes one model, got '${more.join("', '")}' as well. Quote paths that have spaces.`,
    );
  if (common.out === undefined && !common['dry-run'])
    throw new UsageError('--out must name the folder for the result. To write nothing, use --dry-run.');
  if (command.data === 'required' && common.data === undefined)
    throw new UsageError('--data must name what the model works on: a data set, a file or a folder.');
  const own = Object.entries(values).filter(([name]) => Object.hasOwn(command.options, name));
  return { command, model, common, options: Object.fromEntries(own) as OptionValues };
}

/** The options of a command and those of all. */
export function allOptions(command: Pick<Command, 'options' | 'resumes'>): OptionSpecs {
  const all: OptionSpecs[] = [command.options, ...Object.values(commonOptions(command))];
  return Object.fromEntries(all.flatMap((specs) => Object.entries(specs)));
}

function parsed(specs: OptionSpecs, args: readonly string[]) {
  const options: NonNullable<ParseArgsConfig['options']> = {};
  for (const [name, { type }] of Object.entries(specs))
    options[name] = { type: type === 'boolean' ? 'boolean' : 'string', multiple: true };
  // alone, since its values need no look at the other words
  const found = wellFormed(() =>
    parseArgs({ args: [...args], options, strict: true, allowPositionals: true }),
  );
  const values: Record<string, unknown> = {};
  for (const [name, texts] of Object.entries(found.values))
    values[name] = valueOf(name, specs[name]!, texts as unknown as (string | boolean)[]);
  return { values, positionals: found.positionals };
}

function wellFormed<T>(parse: () => T): T {
  try {
    return parse();
  } catch (error) {
    const { code, message } = error as { code?: string; message: string };
    if (!code?.startsWith('ERR_PARSE_ARGS')) throw error;
    const [sentence = message] = message.split(/\.\s|\n/);
    throw new UsageError(`${sentence.replace(/\.$/, '')}.`);
  }
}

function valueOf(name: string, spec: OptionSpec, given: readonly (string | boolean)[]): unknown {
  if (spec.type === 'list') return given;
  if (given.length > 1 && spec.type !== 'boolean')
    throw new UsageError(`--${name} must be given once, got ${given.join(' and ')}.`);
  const [value] = given;
  if (typeof value !== 'string') return value;
  if (spec.choices && !spec.choices.includes(value))
    throw new UsageError(`--${name} must be one of ${spec.choices.join(', ')}, got '${value}'.`);
  if (spec.type === 'string') {
    if (value === '') throw new UsageError(`--${name} must not be empty.`);
    return value;
  }
  const number = toNumber(value);
  if (Number.isFinite(number) && (spec.type === 'number' || Number.isSafeInteger(number))) return number;
  throw new UsageError(
    `--${name} must be a ${spec.type === 'integer' ? 'whole ' : ''}number, got '${value}'.`,
  );
}

function toNumber(text: string): number {
  const [above, below, ...more] = text.split('/');
  if (text.trim() === '' || above?.trim() === '' || below?.trim() === '' || more.length > 0) return NaN;
  return Number(above) / Number(below ?? 1);
}
