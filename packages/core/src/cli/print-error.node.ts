import { OckhamError } from '../errors.ts';
import { UsageError } from './parse-command-line.node.ts';

/** What a command that fails says. */
export interface Failure {
  /** The exit code. */
  readonly exit: 1 | 2 | 130;
  /** That of the OckhamError; `usage` for a wrong command line, `unexpected` for a fault of ours. */
  readonly code: string;
  readonly message: string;
  readonly stack?: string;
}

/** What an error means for the one who typed the command. */
export function failureOf(error: unknown): Failure {
  const { message, stack = '' } = error instanceof Error ? error : new Error(String(error));
  if (error instanceof UsageError) return { exit: 2, code: 'usage', message, stack };
  if (!(error instanceof OckhamError)) return { exit: 1, code: 'unexpected', message, stack };
  const { code } = error;
  return { exit: code === 'aborted' ? 130 : code === 'invalid-argument' ? 2 : 1, code, message, stack };
}

/** A failure for people: the code and the lesson; the stack only where it was asked for. */
export function formatFailure({ code, message, stack }: Failure, debug: boolean, help: string): string {
  const lines = [`error [${code}] ${message}`];
  if (code === 'usage') lines.push(`Try: ${help}`);
  if (code === 'unexpected' && !debug)
    lines.push('This is a fault of the program, not of yours: --debug prints where it happened.');
  if (debug && stack !== undefined) lines.push(stack);
  return lines.map((line) => `${line}\n`).join('');
}
