export { tooling as default } from '../eslint-config/index.ts'; // by path: that package tests itself with this one
