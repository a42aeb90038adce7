import { availableParallelism } from 'node:os';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { Worker } from 'node:worker_threads';
import {
  checkLaunch,
  startJob,
  threadMemory,
  type Job,
  type LaunchOptions,
  type SpawnRank,
} from './launch.ts';
import { RUN_RANK_NODE } from './run-rank.node.ts';
import type { RankReport } from './run-rank.ts';

/**
 * Starts n ranks as worker threads and gives what they return.
 *
 * @param n Ranks, in [1, 64].
 * @param script A module whose default export is a {@link RankFunction}, or that calls {@link runRank}: an address, or a path from
 * the current folder.
 * @throws CommError that names the first rank that died, threw, hung or called something else than the others.
 *
 * @example
 * // sum.js: export default async (comm) => (await comm.allReduce(Float64Array.of(comm.rank)))[0]
 * await launch(3, new URL('./sum.js', import.meta.url)); // [3, 3, 3]
 */
export async function launch<R = unknown>(
  n: number,
  script: string | URL,
  options: LaunchOptions = {},
): Promise<R[]> {
  return startRanks<R>(n, script, options).results();
}

/** As {@link launch}, and gives the ranks at once: to end one from outside, or to see how each ended. */
export function startRanks<R = unknown>(
  n: number,
  script: string | URL,
  options: LaunchOptions = {},
): Job<R> {
  const on = threadMemory(checkLaunch(n, options), availableParallelism());
  const address = addressOf(script);
  const spawn: SpawnRank = (start, { heard, threw, ended }) => {
    const workerData = { start, script: address, runtime: RUN_RANK_NODE };
    const worker = new Worker(entry, { eval: true, workerData, name: `rank ${start.rank}` });
    worker.on('message', (report: RankReport) => heard(report));
    worker.on('error', threw);
    worker.on('exit', (code) => ended(`ended (exit code ${code}) before its work was done`));
    return { terminate: () => void worker.terminate() };
  };
  return startJob<R>(n, on, spawn, options);
}

/** The address of a module that is given by path or address. */
export function addressOf(script: string | URL): string {
  if (typeof script !== 'string') return script.href;
  return /^[a-z]{2,}:/i.test(script) ? script : pathToFileURL(resolve(script)).href;
}

/** The program of a thread, as text: it then needs no file that a bundler would have to find. */
const entry = `
'use strict';
const { parentPort, workerData } = require('node:worker_threads');
const host = { start: () => workerData.start, post: (report) => parentPort.postMessage(report) };
globalThis[Symbol.for('@ockham/core/comm')] = host;
import(workerData.script).then(async (script) => {
  if (host.used) return;
  if (typeof script.default !== 'function')
    throw new TypeError('launch: the script must have a default export (comm) => …, or call runRank.');
  const { runRank } = await import(workerData.runtime);
  await runRank(script.default).catch(() => {});
});
`;
