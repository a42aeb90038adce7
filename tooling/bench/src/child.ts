import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';

/**
 * A process that was started once and does a named piece of work for each line it reads. Its first line is a JSON object of
 * versions; every later one says that the work is done.
 */
export interface Child {
  /** What it runs on, for example `{ torch: '2.15.0' }`. */
  readonly versions: Readonly<Record<string, string>>;
  run(name: string): Promise<void>;
  stop(): void;
}

/**
 * Starts a process to compare with.
 *
 * @throws Error where it ends before its first line, with what it wrote to its error stream.
 */
export async function startChild(
  command: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<Child> {
  const started = spawn(command, args, {
    stdio: ['pipe', 'pipe', 'pipe'],
    env: { ...process.env, ...env },
  });
  const closed = once(started, 'close');
  closed.catch(() => undefined);
  let complaint = '';
  started.stderr.on('data', (text: Buffer) => (complaint = (complaint + text.toString()).slice(-2000)));
  const lines = createInterface({ input: started.stdout })[Symbol.asyncIterator]();
  const failed = once(started, 'error').then(([cause]) => {
    throw new Error(`bench: ${command} must start.`, { cause });
  });
  failed.catch(() => undefined);
  const answer = async (): Promise<string> => {
    const { done, value } = (await Promise.race([lines.next(), failed])) as IteratorResult<string, string>;
    if (!done) return value;
    await closed; // the error stream may be longer than the answers
    throw new Error(
      `bench: ${[command, ...args].join(' ')} must answer each line, but it ended. ${complaint}`,
    );
  };
  const versions = JSON.parse(await answer()) as Record<string, string>;
  return {
    versions,
    async run(name) {
      started.stdin.write(`${name}\n`);
      await answer();
    },
    stop() {
      started.stdin.end();
    },
  };
}
