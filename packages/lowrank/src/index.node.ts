export * from './index.ts';
export { loadAdapter, saveAdapter } from './lora/adapter-file.node.ts';
