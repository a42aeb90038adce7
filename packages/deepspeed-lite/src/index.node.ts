export { loadCompressed, saveCompressed } from './compress/container.node.ts';
export * from './index.ts';
export { folderOf } from './checkpoint/folder.node.ts';
export { launchElastic, type ElasticOptions, type ElasticResult } from './engine/launch-elastic.node.ts';
