export { nodeTests as default } from '@ockham/vitest-config';
