{
  "extends": "@ockham/tsconfig/build.json",
  "compilerOptions": { "rootDir": "src", "outDir": "dist" },
  "include": ["src"]
}
