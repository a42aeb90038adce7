import { OckhamError, type ErrorCode } from '../errors.ts';

/** Why communication failed. */
export type CommErrorCode = Extract<
  ErrorCode,
  'rank-lost' | 'rank-diverged' | 'rank-silent' | 'comm-closed' | 'comm-unavailable'
>;

/**
 * Communication failed. `rank-lost`: a rank died or threw; `rank-silent`: it did not come within the deadline; `rank-diverged`: it
 * called another operation or shape than the others; `comm-closed`: the group was left; `comm-unavailable`: the transport cannot
 * be had here. The first three name the rank.
 */
export class CommError extends OckhamError {
  /** Always `CommError`. */
  override readonly name = 'CommError';
  /** Which of the failures above it was. */
  declare readonly code: CommErrorCode;
  /** The rank at fault, of the group that was launched. */
  readonly rank: number | undefined;

  constructor(
    code: CommErrorCode,
    message: string,
    { rank, ...options }: ErrorOptions & { rank?: number } = {},
  ) {
    super(code, message, options);
    this.rank = rank;
  }
}
