export * from './index.ts';
export { folderOf } from './checkpoint/folder.node.ts';
export { launchElastic, type ElasticOptions, type ElasticResult } from './engine/launch-elastic.node.ts';
