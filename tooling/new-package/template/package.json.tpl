{
  "name": "@ockham/__name__",
  "version": "0.0.0",
  "description": "__title__: stochastic rounding of the weights of a TensorFlow.js model to few levels",
  "keywords": [
    "deep-learning",
    "machine-learning",
    "model-compression",
    "tensorflow.js",
    "tfjs"
  ],
  "license": "Apache-2.0",
  "type": "module",
  "sideEffects": false,
  "engines": {
    "node": ">=20.19"
  },
  "files": [
    "dist",
    "src",
    "README.md",
    "CHANGELOG.md"
  ],
  "exports": {
    ".": {
      "@ockham/source": "./src/index.ts",
      "types": "./dist/index.d.ts",
      "default": "./dist/index.js"
    },
    "./package.json": "./package.json"
  },
  "scripts": {
    "build": "node -e \"fs.rmSync('dist', { recursive: true, force: true })\" && tsc -p tsconfig.build.json",
    "typecheck": "tsc -p tsconfig.json",
    "lint": "eslint .",
    "test": "vitest run",
    "check": "pnpm pack --out package.tgz && publint run package.tgz --strict && attw package.tgz --profile esm-only && pnpm bench --readme --check",
    "test:browser": "vitest run --config vitest.browser.config.ts",
    "reproduce": "ockham-reproduce",
    "bench": "ockham-bench"
  },
  "dependencies": {
    "@ockham/core": "workspace:^"
  },
  "peerDependencies": {
    "@tensorflow/tfjs-core": "^4.22.0",
    "@tensorflow/tfjs-layers": "^4.22.0"
  },
  "devDependencies": {
    "@arethetypeswrong/cli": "catalog:",
    "@ockham/bench": "workspace:*",
    "@ockham/contract": "workspace:*",
    "@ockham/eslint-config": "workspace:*",
    "@ockham/release": "workspace:*",
    "@ockham/reproduce": "workspace:*",
    "@ockham/tsconfig": "workspace:*",
    "@ockham/vitest-config": "workspace:*",
    "@tensorflow/tfjs": "catalog:",
    "@tensorflow/tfjs-core": "catalog:",
    "@tensorflow/tfjs-layers": "catalog:",
    "@types/node": "catalog:",
    "eslint": "catalog:",
    "fast-check": "catalog:",
    "publint": "catalog:",
    "typescript": "catalog:",
    "typescript-7": "catalog:",
    "vitest": "catalog:"
  }
}
