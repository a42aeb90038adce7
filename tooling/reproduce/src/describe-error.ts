import { OckhamError } from '@ockham/core';
import { WorkFailed } from './work-failed.ts';

/** What a user reads: our own errors are lessons and need no stack, anything else is a defect and does. */
export function describeError(error: unknown): string {
  if (error instanceof OckhamError) return error.message;
  if (error instanceof WorkFailed) return error.failure.description;
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
