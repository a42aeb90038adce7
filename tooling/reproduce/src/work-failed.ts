import type { Failure } from './worker-messages.ts';

/** An error of another process; its `description` is what that process would have printed. */
export class WorkFailed extends Error {
  override readonly name = 'WorkFailed';
  readonly failure: Failure;
  constructor(failure: Failure) {
    super(failure.message);
    this.failure = failure;
  }
}
