export * from './file-store.node.ts';
export { ockhamCache } from './ockham-folders.node.ts';
export * from './write-file.node.ts';
