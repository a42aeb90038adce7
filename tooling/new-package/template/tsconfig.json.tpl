{ "extends": "@ockham/tsconfig/base.json", "include": ["**/*.ts"], "exclude": ["dist", "node_modules"] }
