export { tooling as default } from './index.ts';
