/**
 * How the threads of a team talk: 32-bit words in shared memory, and the units of work beside them.
 *
 * A unit's state is the number of the round while it is to be had, and its negative once a thread has taken it; one
 * atomic exchange does both, so that a unit is run once, and a thread that comes late finds nothing of its round.
 */

/** The round, and what waiting workers sleep on; -1 sends them home. */
export const ROUND = 0;
/** Units of the round. */
export const COUNT = 1;
/** Units that are done, and what the caller sleeps on. */
export const DONE = 2;
/** Units that a worker could not do. Their state is {@link FAILED}. */
export const FAILURES = 3;
/** Threads that take part, the caller included. */
export const ACTIVE = 4;
/** Where each worker's workspace is; its place is the worker's number, from 1. */
export const WORKSPACES = 8;
export const MAX_THREADS = 32;
export const STATES: number = WORKSPACES + MAX_THREADS;
export const MAX_UNITS = 512;
export const FAILED = -0x80000000;

/** Numbers of a unit: which kernel, whether it takes a workspace, how many arguments, and these. */
export const UNIT_NUMBERS = 16;
/** Byte offset of the units, float64 each. */
export const UNITS_AT: number = 4 * (STATES + MAX_UNITS);
export const CONTROL_BYTES: number = UNITS_AT + 8 * UNIT_NUMBERS * MAX_UNITS;
