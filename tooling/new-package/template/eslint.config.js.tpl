export { library as default } from '@ockham/eslint-config';
