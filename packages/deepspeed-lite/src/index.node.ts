export * from './index.ts';
export { folderOf } from './checkpoint/folder.node.ts';
