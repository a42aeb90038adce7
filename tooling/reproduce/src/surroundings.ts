import { execFile } from 'node:child_process';
import { availableParallelism, cpus, homedir } from 'node:os';
import { resolve } from 'node:path';
import { promisify } from 'node:util';
import type { RunProvenance } from './result.ts';

const run = promisify(execFile);

/** The processor, system and Node version that a result was made with. */
export function describeMachine(): RunProvenance['machine'] {
  return {
    cpu: cpus()[0]?.model.trim() || 'unknown',
    cores: availableParallelism(),
    platform: `${process.platform}-${process.arch}`,
    node: process.version,
  };
}

/** The commit checked out in `folder`, and whether anything but generated results and prose differs from it. */
export async function describeCommit(folder: string): Promise<{ commit: string | null; dirty: boolean }> {
  try {
    const { stdout: commit } = await run('git', ['rev-parse', 'HEAD'], { cwd: folder });
    const paths = ['.', ':(exclude)packages/*/reproduce/results', ':(exclude)*.md'];
    const { stdout: changes } = await run('git', ['status', '--porcelain', '--', ...paths], { cwd: folder });
    return { commit: commit.trim(), dirty: changes.trim() !== '' };
  } catch {
    return { commit: null, dirty: false }; // a tarball, or no git on this machine
  }
}

/** Text that goes into a result, without the folders of this machine. */
export function hideMachinePaths(
  text: string,
  workspace: string,
  env: Readonly<Record<string, string | undefined>>,
): string {
  const names: [path: string | undefined, name: string][] = [
    [env.OCKHAM_DATA, '$OCKHAM_DATA'],
    [env.OCKHAM_CACHE, '$OCKHAM_CACHE'],
  ];
  const absolute = names.flatMap(([path, name]): [string, string][] =>
    path
      ? [
          [resolve(path), name],
          [resolve(workspace, path), name],
        ]
      : [],
  );
  const all: [string, string][] = [...absolute, [workspace, '.'], [homedir(), '~']];
  return all.reduce((hidden, [path, name]) => (path === '/' ? hidden : hidden.replaceAll(path, name)), text);
}
