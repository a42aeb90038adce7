/** The script of a worker thread that plays; see `launch` of `@ockham/core/comm/node`. */
export { playTask as default } from './task.ts';

/** The address of this module. */
export const PLAYERS: string = import.meta.url;
