/** Stable, machine-readable reasons. A code never changes its meaning; messages may improve. */
export type ErrorCode =
  | 'invalid-argument'
  | 'nothing-changed'
  | 'unsupported-model'
  | 'non-finite'
  | 'aborted'
  | 'engine-unavailable'
  | 'engine-differs'
  | 'out-of-memory'
  | 'dataset-missing'
  | 'corrupt-file'
  | 'checksum-mismatch'
  | 'storage-failed'
  | 'checkpoint-mismatch'
  | 'rank-lost'
  | 'rank-silent'
  | 'rank-diverged'
  | 'comm-closed'
  | 'comm-unavailable';

/**
 * The base of every error that Ockham throws on purpose. The message says who refuses, the rule, what was
 * given and what to do next; `code` is stable and meant for programs.
 */
export class OckhamError extends Error {
  /** The name of the class: reads the same in a minified bundle. */
  override readonly name: string = 'OckhamError';
  /** Says which rule was broken; it stays the same from version to version. */
  readonly code: ErrorCode;

  constructor(code: ErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** An argument breaks a documented rule. Thrown before any work starts. */
export class ArgumentError extends OckhamError {
  /** Always `ArgumentError`. */
  override readonly name = 'ArgumentError';
  constructor(message: string, options?: ErrorOptions) {
    super('invalid-argument', message, options);
  }
}

/** A transform had no effect: it throws instead of returning its input unchanged. */
export class NothingChangedError extends OckhamError {
  /** Always `NothingChangedError`. */
  override readonly name = 'NothingChangedError';
  constructor(message: string) {
    super('nothing-changed', message);
  }
}

/** The model uses a layer or a topology that a method cannot handle; the message names the layer. */
export class UnsupportedModelError extends OckhamError {
  /** Always `UnsupportedModelError`. */
  override readonly name = 'UnsupportedModelError';
  constructor(message: string) {
    super('unsupported-model', message);
  }
}

/** A loss, gradient or input is NaN or infinite. */
export class NonFiniteError extends OckhamError {
  /** Always `NonFiniteError`. */
  override readonly name = 'NonFiniteError';
  constructor(message: string) {
    super('non-finite', message);
  }
}

/** The caller's `AbortSignal` fired; `cause` is the signal's reason. */
export class AbortedError extends OckhamError {
  /** Always `AbortedError`. */
  override readonly name = 'AbortedError';
  constructor(message: string, options?: ErrorOptions) {
    super('aborted', message, options);
  }
}

/** Data on disk or from the network cannot be used: absent, truncated, altered, or not writable. */
export class DataError extends OckhamError {
  /** Always `DataError`. */
  override readonly name = 'DataError';
  constructor(
    code: Extract<
      ErrorCode,
      'dataset-missing' | 'corrupt-file' | 'checksum-mismatch' | 'storage-failed' | 'checkpoint-mismatch'
    >,
    message: string,
    options?: ErrorOptions,
  ) {
    super(code, message, options);
  }
}

/** Throws an {@link AbortedError} naming `who` if the signal has fired. */
export function throwIfAborted(signal: AbortSignal | undefined, who: string): void {
  if (!signal?.aborted) return;
  throw new AbortedError(
    `${who}: stopped by the AbortSignal. Run it again to start over, or resume from its checkpoint.`,
    {
      cause: signal.reason,
    },
  );
}
