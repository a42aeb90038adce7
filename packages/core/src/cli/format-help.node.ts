import type { Cli, Command, OptionSpec, OptionSpecs } from './command.node.ts';
import { commonOptions } from './common-options.node.ts';

const WIDTH = 96;

/** What `--help` prints: of one command, or the list of them. */
export function formatHelp(cli: Cli, command: Command | undefined): string {
  if (!command) {
    const lines = cli.commands.map(({ name, summary }) => [name!, summary] as const);
    const usage = `Usage: npx ${cli.name} <command> <model> [options]`;
    return [usage, '', ...columns(lines), '', `npx ${cli.name} <command> --help says more.`, ''].join('\n');
  }
  const start = ['npx', cli.name, ...(command.name === undefined ? [] : [command.name])].join(' ');
  const data = command.data === 'required' ? ' --data <name or path>' : '';
  const groups: [string, OptionSpecs][] = [
    ['Options', command.options],
    ...Object.entries(commonOptions(command)),
  ];
  const shown = groups.map(([title, specs]): [string, [string, string][]] => [
    title,
    Object.entries(specs).map(([name, spec]) => [flag(name, spec), helpOf(spec)]),
  ]);
  const width = Math.max(...shown.flatMap(([, rows]) => rows.map(([left]) => left.length)));
  return [
    `Usage: ${start} <model>${data} --out <folder> [options]`,
    '',
    ...wrap(command.summary, WIDTH),
    '',
    'The model is a LayersModel as TensorFlow.js saves it: model.json, or the folder that has it.',
    ...shown.flatMap(([title, rows]) => (rows.length > 0 ? ['', `${title}:`, ...columns(rows, width)] : [])),
    '',
    'Examples:',
    ...command.examples.flatMap(([line, does]) => [`  # ${does}`, `  ${start} ${line}`]),
    '',
    'Exit codes: 0 done, 1 failed, 2 bad usage (an unknown option, a value that is refused), 130 interrupted.',
    '',
  ].join('\n');
}

function flag(name: string, { type, value, choices }: OptionSpec): string {
  if (type === 'boolean') return `--${name}`;
  const placeholder = value ?? (choices ? 'choice' : type === 'integer' ? 'n' : type);
  return `--${name} <${placeholder}>`;
}

function helpOf({ help, choices }: OptionSpec): string {
  return choices ? `${choices.join(', ')}. ${help}` : help;
}

function columns(rows: readonly (readonly [string, string])[], width?: number): string[] {
  const left = width ?? Math.max(...rows.map(([name]) => name.length));
  return rows.flatMap(([name, text]) =>
    wrap(text, WIDTH - left - 4).map((line, i) => `  ${(i === 0 ? name : '').padEnd(left)}  ${line}`),
  );
}

function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line !== '' && line.length + word.length >= width) {
      lines.push(line);
      line = word;
    } else line = line === '' ? word : `${line} ${word}`;
  }
  return [...lines, line];
}
