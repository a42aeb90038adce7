import { createInterface } from 'node:readline';
import { pathToFileURL } from 'node:url';

/** Pieces of work that another process does: the default export of a `bench/<noun>.work.ts`. */
export type Work<Options> = (options: Options) => Promise<{
  readonly versions: Readonly<Record<string, string>>;
  /** By name. The outer function prepares, at the first call; the inner one is what is timed. */
  readonly works: Readonly<Record<string, () => Promise<() => void | Promise<void>>>>;
}>;

/** `node work.ts <module> <options as JSON>`: the other side of `startChild`. */
const [, , module, options] = process.argv;
if (module !== undefined) {
  const { default: open } = (await import(pathToFileURL(module).href)) as { default: Work<unknown> };
  const { versions, works } = await open(JSON.parse(options ?? '{}'));
  process.stdout.write(`${JSON.stringify(versions)}\n`);
  const prepared = new Map<string, () => void | Promise<void>>();
  for await (const name of createInterface({ input: process.stdin })) {
    let run = prepared.get(name);
    if (!run) prepared.set(name, (run = await works[name]!()));
    await run();
    process.stdout.write('done\n');
  }
}
