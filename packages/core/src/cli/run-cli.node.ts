import { dirname } from 'node:path';
import { useBackend } from '../backend/use-backend.node.ts';
import { describeBackend } from '../backend/choose.ts';
import type { EngineName } from '../backend/engine.ts';
import { throwIfAborted } from '../errors.ts';
import { fileStore } from '../files/file-store.node.ts';
import { formatComparison } from '../metrics/format-report.ts';
import type { Progress } from '../progress.ts';
import { checkFit } from '../training/check-fit.ts';
import { checkFolder, saveFolder } from './save-folder.node.ts';
import { chooseLoss } from './choose-loss.node.ts';
import type { Cli, CommandContext, CommandResult } from './command.node.ts';
import type { CommonValues } from './common-options.node.ts';
import { fitData } from './fit-data.node.ts';
import { formatHelp } from './format-help.node.ts';
import { openData, type OpenedData } from './open-data.node.ts';
import { openModel, type OpenedModel } from './open-model.node.ts';
import { parseCommandLine, type CommandLine } from './parse-command-line.node.ts';
import { failureOf, formatFailure } from './print-error.node.ts';

/** The exit codes of every bin. */
export const exitCodes = { done: 0, failed: 1, usage: 2, interrupted: 130 } as const;

/** Where a command writes, and what can stop it. */
export interface CliIo {
  /** Results: standard output. */
  readonly out: (text: string) => void;
  /** Everything else: standard error. */
  readonly err: (text: string) => void;
  /** Told how far the work has come. Default: nobody is. */
  readonly progress?: Progress;
  /** Stops the run, which then ends with the code of an interruption. */
  readonly signal?: AbortSignal;
  /** Loads TensorFlow.js with its gradients, before the engine is chosen. Default: the caller has. */
  readonly prepare?: () => Promise<unknown>;
}

/**
 * Runs one command line in this thread, to its exit code. It throws nothing: an error is printed, the stack only with
 * `--debug`.
 *
 * @param argv The words after the bin's name.
 */
export async function runCli(cli: Cli, argv: readonly string[], io: CliIo): Promise<number> {
  try {
    const line = parseCommandLine(cli, argv);
    if (line.common.version) io.out(`${cli.version}\n`);
    else if (line.common.help) io.out(formatHelp(cli, line.command));
    else await transform(cli, line, io);
    return exitCodes.done;
  } catch (error) {
    return reportFailure(cli, argv, error, io);
  }
}

/** Prints what went wrong, and returns the exit code. */
export function reportFailure(
  cli: Cli,
  argv: readonly string[],
  error: unknown,
  io: Pick<CliIo, 'out' | 'err'>,
): number {
  const failure = failureOf(error);
  const { code, message } = failure;
  if (argv.includes('--json')) io.out(`${JSON.stringify({ error: { code, message } }, null, 2)}\n`);
  io.err(formatFailure(failure, argv.includes('--debug'), `npx ${cli.name} --help`));
  return failure.exit;
}

async function transform(cli: Cli, line: CommandLine, io: CliIo): Promise<void> {
  const { common } = line;
  const { signal = new AbortController().signal } = io;
  const command = line.command!;
  if (common.out !== undefined) await checkOut(common.out, common, line.model!);
  await io.prepare?.();
  const engine = common.engine ?? process.env['OCKHAM_ENGINE'] ?? 'auto';
  await useBackend(engine as EngineName, common.threads === undefined ? {} : { threads: common.threads });
  const opened = await openModel(line.model!);
  try {
    const data = common.data === undefined ? undefined : await dataFor(opened, common, io, signal);
    const context = contextOf(line, opened, data, io, signal);
    const { model, loss } = context;
    if (data) checkFit('--data', model, data.train, { loss, name: 'training split' });
    if (data?.test) checkFit('--data', model, data.test, { loss, name: 'test split' });
    const facts = {
      command: [cli.name, command.name].filter(Boolean).join(' '),
      version: cli.version,
      model: opened.path,
      ...(data && {
        data: { name: data.name, ...data.provenance, examples: sizesOf(data), loss: context.loss },
      }),
      options: line.options,
      seed: context.seed,
      engine: describeBackend(),
    };
    if (common['dry-run']) {
      const { text, plan } = await command.plan(context);
      io.out(common.json ? json({ ...facts, dryRun: true, plan }) : `${text}\nNothing was written.\n`);
      return;
    }
    const result = await command.run(context);
    await new Promise((resolve) => setTimeout(resolve)); // lets a signal in before anything is written
    throwIfAborted(signal, cli.name);
    await saveFolder(common.out!, result.files, folderOptions(cli.name, common, opened.path));
    print(facts, opened, result, common, io);
  } finally {
    opened.model.dispose();
  }
}

/** Refuses before the work what would be refused after it. */
async function checkOut(out: string, common: CommonValues, model: string): Promise<void> {
  await checkFolder(
    out,
    folderOptions('--out', common, model.endsWith('.json') ? model : `${model}/model.json`),
  );
}

function folderOptions(who: string, { force = false }: CommonValues, model: string) {
  return { force, keep: [dirname(model)], who };
}

async function dataFor(
  { model }: OpenedModel,
  common: CommonValues,
  io: CliIo,
  signal: AbortSignal,
): Promise<OpenedData> {
  const shape = model.inputs[0]!.shape.slice(1);
  const data = await openData(common.data!, {
    inputShape: shape,
    signal,
    ...(io.progress && { progress: io.progress }),
    ...(common['train-examples'] !== undefined && { train: common['train-examples'] }),
    ...(common['test-examples'] !== undefined && { test: common['test-examples'] }),
    ...(common['hold-out'] !== undefined && { holdOut: common['hold-out'] }),
    ...(common.scale !== undefined && { scale: common.scale }),
    ...(common.vocabulary !== undefined && { vocabulary: common.vocabulary }),
  });
  const fitted = fitData(data, shape);
  const { source, note } = data.provenance;
  io.err(`data: ${data.name}, ${describeSizes(data)}, from ${source}. ${note ?? ''}`.trim() + '\n');
  if (fitted !== data)
    io.err(
      `data: examples of [${data.train.x.shape.join(', ')}] are given to the model as [${shape.join(', ')}]\n`,
    );
  if (!data.test)
    io.err('data: there is no test split, so that no accuracy is measured; --hold-out makes one\n');
  return fitted;
}

function contextOf(
  { common, options }: CommandLine,
  { model }: OpenedModel,
  data: OpenedData | undefined,
  io: CliIo,
  signal: AbortSignal,
): CommandContext {
  return {
    model,
    options,
    ...(data && { data }),
    loss: common.loss ?? chooseLoss(model, data?.train),
    seed: common.seed ?? 0,
    latency: common['no-latency'] ? false : { repeats: 10, warmup: 2 },
    ...(common.checkpoint !== undefined && { checkpoint: fileStore(common.checkpoint) }),
    progress: io.progress ?? (() => undefined),
    signal,
  };
}

function print(
  facts: object,
  opened: OpenedModel,
  result: CommandResult,
  common: CommonValues,
  io: CliIo,
): void {
  const { files, forms, report, details, text } = result;
  const sizes = [...files].map(([name, { length }]) => ({ name, bytes: length }));
  const size = (form: readonly string[]) => form.reduce((sum, name) => sum + files.get(name)!.length, 0);
  const smallest = Math.min(...forms.map(size));
  const loud =
    result.sameSize || smallest < opened.bytes
      ? []
      : [
          `the model did not get smaller: ${opened.bytes.toLocaleString('en-US')} bytes were read, ${smallest.toLocaleString('en-US')} written`,
        ];
  const sizeChange = { before: opened.bytes, after: smallest, ratio: opened.bytes / smallest };
  const warnings = [...loud, ...report.warnings];
  if (common.json)
    io.out(
      json({
        ...facts,
        dryRun: false,
        out: common.out,
        files: sizes,
        size: sizeChange,
        report,
        details,
        warnings,
      }),
    );
  else {
    const list = sizes.map(({ name, bytes }) => `  ${name}  ${bytes.toLocaleString('en-US')} bytes`);
    const parts = [text, formatComparison({ ...report, warnings: [] }), '', `${common.out}:`, ...list];
    io.out(`${parts.filter((part) => part !== undefined).join('\n')}\n`);
  }
  for (const warning of warnings) io.err(`WARNING: ${warning}\n`);
}

function json(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}

function sizesOf({ train, test }: OpenedData) {
  return { train: train.size, ...(test && { test: test.size }) };
}

function describeSizes({ train, test }: OpenedData): string {
  return `${train.size} training${test ? ` and ${test.size} test` : ''} examples`;
}
