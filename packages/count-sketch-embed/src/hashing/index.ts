export { ROLLING_PRIME, RollingHash } from './rolling-hash.ts';
export { SignBits } from './sign-bits.ts';
export { UniversalHash, type HashCoefficients } from './universal-hash.ts';
export { WordHasher, type Pooling } from './word-hasher.ts';
