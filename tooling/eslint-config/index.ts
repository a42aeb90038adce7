import js from '@eslint/js';
import type { Linter } from 'eslint';
import tseslint from 'typescript-eslint';
import { boundaries } from './rules/boundaries.ts';
import { noChainedOps } from './rules/no-chained-ops.ts';

const typed = [js.configs.recommended, ...tseslint.configs.strictTypeChecked] as Linter.Config[];

const unseeded = {
  object: 'Math',
  property: 'random',
  message: 'Randomness is an argument: take a Seed and use @ockham/core/random.',
};

const jumpingClock = {
  object: 'Date',
  property: 'now',
  message: 'The clock of the day can jump: measure durations and deadlines by performance.now().',
};

/** What every workspace package is held to. */
export const tooling: Linter.Config[] = [
  { ignores: ['**/.*', 'dist/**', 'coverage/**', 'reproduce/results/**', 'bench/results/**', '.turbo/**'] },
  { ignores: ['src/kernels/assembly/**', 'src/kernels/generated/**'] }, // AssemblyScript, and what is made from it
  ...typed.map((config) => ({ files: ['**/*.ts'], ...config })),
  {
    files: ['**/*.ts'],
    languageOptions: { parserOptions: { projectService: true } },
    rules: {
      '@typescript-eslint/consistent-type-imports': ['error', { fixStyle: 'inline-type-imports' }],
      '@typescript-eslint/restrict-template-expressions': [
        'error',
        { allowNumber: true, allowBoolean: true },
      ],
      '@typescript-eslint/no-confusing-void-expression': ['error', { ignoreArrowShorthand: true }],
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
      '@typescript-eslint/no-non-null-assertion': 'off', // an index in range, under noUncheckedIndexedAccess
      '@typescript-eslint/no-unnecessary-condition': 'off', // callers in JavaScript pass what the types exclude
      '@typescript-eslint/no-unnecessary-type-parameters': 'off',
      '@typescript-eslint/unified-signatures': 'off',
      '@typescript-eslint/no-unsafe-enum-assignment': 'off', // erasable syntax has no enums, and this rule is the slowest
      '@typescript-eslint/no-invalid-void-type': 'off',
      '@typescript-eslint/unbound-method': 'off', // options and callbacks are taken apart; classes are few
      '@typescript-eslint/no-unsafe-class-instance-assignment': 'off', // two copies of tfjs may meet
      '@typescript-eslint/no-meaningless-void-operator': 'off',
      '@typescript-eslint/require-await': 'off', // an async function turns what it throws into a rejection
      '@typescript-eslint/prefer-for-of': 'off', // kernels index several arrays at once
      'no-restricted-properties': ['error', unseeded],
      'no-eval': 'error', // with no-implied-eval, which knows new Function too: files of others are data, never code
      'no-new-func': 'error',
      'no-undef': 'off', // the compiler's job
      'no-useless-constructor': 'off', // a subclass narrows the type of an argument
      '@typescript-eslint/no-useless-constructor': 'off',
      eqeqeq: ['error', 'always', { null: 'ignore' }],
    },
  },
  { files: ['src/**/*.ts'], rules: { 'no-restricted-properties': ['error', unseeded, jumpingClock] } },
  {
    files: ['test/**/*.ts', '**/*.test.ts'],
    rules: {
      // tests hand over what the types forbid
      '@typescript-eslint/no-unsafe-argument': 'off',
      '@typescript-eslint/no-unsafe-assignment': 'off',
      '@typescript-eslint/no-unsafe-member-access': 'off',
    },
  },
];

const nodeFiles = ['src/**/*.node.ts', 'src/**/node/**/*.ts'];

/** What a published package is held to as well: the architecture of its `src`. */
export const library: Linter.Config[] = [
  ...tooling,
  {
    files: ['src/**/*.ts'],
    plugins: { ockham: { rules: { boundaries, 'no-chained-ops': noChainedOps } } },
    rules: {
      'ockham/boundaries': 'error',
      'ockham/no-chained-ops': 'error',
      'no-console': 'error',
    },
  },
  {
    files: ['src/**/*.ts'],
    ignores: nodeFiles,
    rules: {
      'no-restricted-globals': [
        'error',
        ...['process', 'Buffer', 'require', '__dirname', '__filename', 'setImmediate'].map((name) => ({
          name,
          message: 'Browsers have none: move it into a file named *.node.ts.',
        })),
      ],
    },
  },
  {
    files: ['src/**/index.ts', 'src/**/index.node.ts'],
    rules: {
      'no-restricted-syntax': [
        'error',
        {
          selector: 'Program > :not(ExportAllDeclaration, ExportNamedDeclaration[declaration=null])',
          message: 'An index only re-exports: put this into a file named after what it does.',
        },
      ],
    },
  },
];
