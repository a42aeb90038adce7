export * from './file-store.node.ts';
export * from './write-file.node.ts';
