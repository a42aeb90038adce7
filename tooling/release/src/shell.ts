import { execFile } from 'node:child_process';
import { delimiter } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

const ofPnpm = /^p?npm_(?!config_cache$)/i;

/** A user's own npm and Node, without the settings and the PATH that pnpm gives to a workspace's scripts. */
export const userEnvironment: NodeJS.ProcessEnv = {
  ...Object.fromEntries(Object.entries(process.env).filter(([name]) => !ofPnpm.test(name))),
  PATH: process.env
    .PATH!.split(delimiter)
    .filter((folder) => !folder.includes('node_modules'))
    .join(delimiter),
};

/** The pnpm that runs this script: a user's PATH may have none. */
export const pnpm = process.env.npm_execpath ?? 'pnpm';

/**
 * What a command prints to standard output.
 *
 * @param env Default the user's.
 * @throws Error with all that it printed, where it fails.
 */
export async function sh(
  cwd: string,
  command: readonly [string, ...string[]],
  env: NodeJS.ProcessEnv = userEnvironment,
): Promise<string> {
  const [program, ...args] = command;
  try {
    const { stdout } = await run(program, args, { cwd, env, maxBuffer: 2 ** 26 });
    return stdout;
  } catch (error) {
    const { stdout, stderr } = error as { stdout?: string; stderr?: string };
    throw new Error(`${command.join(' ')} failed.\n${stdout ?? ''}${stderr ?? ''}`, { cause: error });
  }
}
