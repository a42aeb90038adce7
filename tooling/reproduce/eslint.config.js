export { default } from '@ockham/eslint-config';
