import { rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { isMainThread, parentPort, SHARE_ENV, Worker, workerData } from 'node:worker_threads';
import type { ProgressEvent } from '../progress.ts';
import type { Cli } from './command.node.ts';
import { formatHelp } from './format-help.node.ts';
import { parseCommandLine, type CommandLine } from './parse-command-line.node.ts';
import { progressLine } from './progress-line.node.ts';
import { reportFailure, runCli } from './run-cli.node.ts';
import { temporaryFolder } from './save-folder.node.ts';

/** What the thread that works tells the one that has the terminal. */
type Message =
  | { readonly kind: 'progress'; readonly event: ProgressEvent }
  | { readonly kind: 'out' | 'err'; readonly text: string }
  | { readonly kind: 'done'; readonly code: number };

interface Task {
  readonly argv: readonly string[];
  readonly flag: SharedArrayBuffer;
}

/**
 * The whole of a bin: reads the command line, works in a thread of its own, shows progress and sets the exit code. The
 * thread that has the terminal stays free: progress moves during long computations, and Ctrl-C counts at once, through
 * shared memory that the method looks at between steps. A second Ctrl-C ends the thread.
 *
 * @param url `import.meta.url` of the bin, which runs once more in the thread.
 * @param prepare Loads TensorFlow.js with its gradients.
 */
export async function launchCli(cli: Cli, url: string, prepare: () => Promise<unknown>): Promise<void> {
  if (!isMainThread) return work(cli, prepare);
  const argv = process.argv.slice(2);
  let line: CommandLine;
  try {
    line = parseCommandLine(cli, argv);
  } catch (error) {
    process.exitCode = reportFailure(cli, argv, error, {
      out: (text) => void process.stdout.write(text),
      err: (text) => void process.stderr.write(text),
    });
    return;
  }
  const { command, common } = line;
  if (common.version) process.stdout.write(`${cli.version}\n`);
  else if (common.help) process.stdout.write(formatHelp(cli, command));
  else process.exitCode = await supervise(url, argv, common.out);
}

function supervise(url: string, argv: readonly string[], out: string | undefined): Promise<number> {
  const flag = new SharedArrayBuffer(4);
  const task: Task = { argv, flag };
  const worker = new Worker(fileURLToPath(url), { workerData: task, env: SHARE_ENV }); // TensorFlow reads its settings there
  const line = progressLine(process.stderr);
  return new Promise((resolve) => {
    let ended = false;
    const end = (code: number) => {
      if (ended) return;
      ended = true;
      line.clear();
      for (const name of ['SIGINT', 'SIGTERM'] as const) process.off(name, stop);
      void worker.terminate().then(() => resolve(code));
    };
    const stop = () => {
      line.clear();
      if (Atomics.exchange(new Int32Array(flag), 0, 1) === 0) {
        worker.postMessage('stop');
        process.stderr.write('stopping; once more to stop at once\n');
        return;
      }
      if (out !== undefined) rmSync(temporaryFolder(out), { recursive: true, force: true });
      end(130);
    };
    for (const name of ['SIGINT', 'SIGTERM'] as const) process.on(name, stop);
    worker.on('message', (message: Message) => {
      if (message.kind === 'progress') line.show(message.event);
      else line.clear();
      if (message.kind === 'out') process.stdout.write(message.text);
      if (message.kind === 'err') process.stderr.write(message.text);
      if (message.kind === 'done') end(message.code);
    });
    worker.on('error', (error: Error) => {
      line.clear();
      process.stderr.write(`error [unexpected] ${error.message}\n`);
      end(1);
    });
    worker.on('exit', () => end(1));
  });
}

async function work(cli: Cli, prepare: () => Promise<unknown>): Promise<void> {
  const port = parentPort!;
  const { argv, flag } = workerData as Task;
  const tell = (message: Message) => port.postMessage(message);
  const code = await runCli(cli, argv, {
    out: (text) => tell({ kind: 'out', text }),
    err: (text) => tell({ kind: 'err', text }),
    progress: (event) => tell({ kind: 'progress', event }),
    signal: signalOf(new Int32Array(flag)),
    prepare,
  });
  tell({ kind: 'done', code });
}

/** A signal that long computations see at once, without waiting for a message. */
function signalOf(flag: Int32Array): AbortSignal {
  const controller = new AbortController();
  parentPort!.once('message', () => controller.abort()).unref();
  Object.defineProperty(controller.signal, 'aborted', { get: () => Atomics.load(flag, 0) === 1 });
  return controller.signal;
}
