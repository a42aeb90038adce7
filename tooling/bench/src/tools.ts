import { fileURLToPath } from 'node:url';
import { startChild, type Child } from './child.ts';

/** What a bench is handed to prepare with. */
export interface Tools {
  /** Whether this is a trial of seconds, to see that it runs; its figures mean nothing. */
  readonly smoke: boolean;
  /** Starts `module`, a `.work.ts`, in a process of its own: another engine, or another number of threads. */
  work(module: URL, options: object): Promise<Child>;
  /** Starts a Python script; undefined without a Python, which the variable `OCKHAM_PYTHON` names. */
  python(script: URL, args: readonly string[]): Promise<Child | undefined>;
}

/** Why a variant is left out where {@link Tools.python} gives none. */
export const noPython =
  'no Python: set OCKHAM_PYTHON to one with what the requirements.txt beside the bench names';

const main = fileURLToPath(new URL('work.ts', import.meta.url));

/** The tools, and a function that stops every process they started. */
export function makeTools(smoke: boolean): { readonly tools: Tools; readonly stop: () => void } {
  const children: Child[] = [];
  const add = <T extends Child>(child: T): T => (children.push(child), child);
  const tools: Tools = {
    smoke,
    async work(module, options) {
      const flags = ['--conditions=@ockham/source', '--disable-warning=ExperimentalWarning'];
      const args = [...flags, main, fileURLToPath(module), JSON.stringify(options)];
      return add(await startChild(process.execPath, args));
    },
    async python(script, args) {
      const command = process.env.OCKHAM_PYTHON;
      return command ? add(await startChild(command, [fileURLToPath(script), ...args])) : undefined;
    },
  };
  return { tools, stop: () => children.forEach((child) => child.stop()) };
}
