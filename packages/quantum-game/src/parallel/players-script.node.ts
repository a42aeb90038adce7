import { playTask } from './task.ts';

/** The address of this module, for `launch` of `@ockham/core/comm/node`. */
export const PLAYERS: string = import.meta.url;

/** @public What a worker thread does that has this module as its script. */
export default playTask;
