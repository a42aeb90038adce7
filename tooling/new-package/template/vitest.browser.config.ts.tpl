export { browserTests as default } from '@ockham/vitest-config/browser';
