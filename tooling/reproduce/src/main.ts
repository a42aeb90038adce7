import { recordImports } from './loaded-sources.ts';

recordImports(); // before any module that an experiment shares with us
const { main } = await import('./cli.ts');
process.exitCode = await main(process.argv.slice(2), process.env);
