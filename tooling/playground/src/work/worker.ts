/** The one script of all workers: each opens one exhibit and carries out its commands away from the page's thread. */
import { AbortedError } from '@ockham/core';
import type { ExhibitName, FromWorker, OpenWork, ToWorker } from './protocol.ts';

type AnyWork = OpenWork<unknown, unknown>;

const works: Readonly<Record<ExhibitName, () => Promise<AnyWork>>> = {
  digits: async () => (await import('../digits/work.ts')).openDigits as AnyWork,
  pruning: async () => (await import('../pruning/work.ts')).openPruning as AnyWork,
  lora: async () => (await import('../lora/work.ts')).openLora as AnyWork,
  hydrogen: async () => (await import('../hydrogen/work.ts')).openHydrogen as AnyWork,
  embeddings: async () => (await import('../embeddings/work.ts')).openEmbeddings as AnyWork,
};

const tell = (message: FromWorker): void => postMessage(message);

let opened: Promise<ReturnType<AnyWork>> | undefined;
let stop = new AbortController();

async function open({ open: name, digits }: Extract<ToWorker, { open: unknown }>) {
  const work = await works[name]();
  return work((report) => tell({ report }), { digits });
}

async function carryOut(id: number, command: unknown): Promise<void> {
  const { signal } = stop;
  try {
    const work = await opened!;
    await work(command, signal);
    tell({ id, ended: signal.aborted ? 'stopped' : 'done' });
  } catch (error) {
    if (error instanceof AbortedError) tell({ id, ended: 'stopped' });
    else tell({ id, failure: error instanceof Error ? error.message : String(error) });
  }
}

addEventListener('message', ({ data }: MessageEvent<ToWorker>) => {
  if ('open' in data) {
    opened = open(data);
    opened.catch(() => undefined); // the command that waits for it says why
  } else if ('stop' in data) {
    stop.abort();
    stop = new AbortController();
  } else void carryOut(data.id, data.command);
});
