export * from './index.ts';
export { launch, startRanks } from './launch-threads.node.ts';
