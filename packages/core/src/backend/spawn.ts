import type { Spawn } from '../kernels/threads/team.ts';

/** Starts a worker of the browser. */
export const spawnWorker: Spawn = (source, heard, failed) => {
  const address = URL.createObjectURL(new Blob([source], { type: 'text/javascript' }));
  const worker = new Worker(address);
  worker.onmessage = ({ data }) => {
    URL.revokeObjectURL(address);
    heard(data);
  };
  worker.onerror = (event) => {
    event.preventDefault();
    failed(event.message || 'a worker did not start');
  };
  return { post: (message) => worker.postMessage(message), terminate: () => worker.terminate() };
};
