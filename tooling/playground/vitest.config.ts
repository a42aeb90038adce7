export { toolingTests as default } from '@ockham/vitest-config';
