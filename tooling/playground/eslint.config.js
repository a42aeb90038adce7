export { tooling as default } from '@ockham/eslint-config';
