import { writeCards } from './cards.ts';
import { describeError } from './describe-error.ts';
import type { Options } from './options.ts';
import { help, readOptions } from './options.ts';
import { redrawPackage } from './redraw.ts';
import { writeReport } from './report/write-report.ts';
import { runPackages } from './run-packages.ts';
import { findPackages, findWorkspace, openPackage } from './workspace.ts';

/** The command line. Returns the exit code: 0, 1 for an error, 130 when stopped. */
export async function main(
  args: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): Promise<number> {
  try {
    return await dispatch(readOptions(args, env), (text) => void process.stdout.write(text));
  } catch (error) {
    process.stderr.write(`${describeError(error)}\n`);
    return 1;
  }
}

async function dispatch(options: Options, print: (text: string) => void): Promise<number> {
  if (options.command === 'help') {
    print(help);
    return 0;
  }
  const folder = process.cwd();
  const workspace = findWorkspace(folder);
  if (options.command === 'report') {
    for (const line of await writeReport(workspace)) print(`${line}\n`);
    return 0;
  }
  if (options.command === 'run' && options.all) {
    const code = await runPackages(await findPackages(workspace), workspace, options, print);
    if (code === 0) for (const line of await writeReport(workspace)) print(`${line}\n`);
    return code;
  }
  const opened = await openPackage(folder);
  switch (options.command) {
    case 'redraw':
      for (const line of await redrawPackage(opened, options.only)) print(`${line}\n`);
      return 0;
    case 'cards':
      print(`${await writeCards(opened)}\n`);
      return 0;
    case 'run':
      return runPackages([opened], workspace, options, print);
  }
}
