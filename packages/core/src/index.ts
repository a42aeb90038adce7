export * from './errors.ts';
export * from './dataset.ts';
export * from './progress.ts';
