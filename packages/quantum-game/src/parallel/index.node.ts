export * from './index.ts';
export { playInWorkers } from './play-in-workers.node.ts';
