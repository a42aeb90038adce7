import { spawn } from 'node:child_process';
import { OckhamError } from '@ockham/core';

/**
 * Runs a program to its end and returns what it printed.
 *
 * @throws OckhamError `engine-unavailable` with the last lines of its output, where it fails or is not there.
 */
export function run(
  program: string,
  args: readonly string[],
  options: { cwd?: string; hint: string },
): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { cwd: options.cwd, stdio: ['ignore', 'pipe', 'pipe'] });
    let stdout = '';
    let stderr = '';
    child.stdout.on('data', (text: Buffer) => (stdout += text.toString()));
    child.stderr.on('data', (text: Buffer) => (stderr += text.toString()));
    const fail = (why: string): void => {
      const tail = `${stdout}\n${stderr}`.trim().split('\n').slice(-12).join('\n');
      reject(
        new OckhamError(
          'engine-unavailable',
          `native: ${program} ${why}. ${options.hint}${tail ? `\n${tail}` : ''}`,
        ),
      );
    };
    child.on('error', (error) => fail(`did not start (${error.message})`));
    child.on('close', (code, signal) => {
      if (code === 0) resolve(stdout);
      else fail(`ended with ${signal ?? `exit code ${code}`}`);
    });
  });
}

/** Whether a program is there and answers. */
export async function answers(program: string, args: readonly string[]): Promise<boolean> {
  return run(program, args, { hint: '' }).then(
    () => true,
    () => false,
  );
}
