/**
 * Seeded generators whose streams are split by name, so that a result does not depend on the order of calls.
 *
 * @module
 */
export * from './random.ts';
