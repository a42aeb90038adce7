/**
 * The command line that the packages' bins share: options, data, progress, files, exit codes.
 *
 * @module
 */
export type {
  Choice,
  Cli,
  Command,
  CommandContext,
  CommandPlan,
  CommandResult,
  OptionSpec,
  OptionSpecs,
  OptionValues,
} from './command.node.ts';
export { given } from './given.node.ts';
export { launchCli } from './launch-cli.node.ts';
export { openData, type OpenDataOptions } from './open-data.node.ts';
export { openModel, type OpenedModel } from './open-model.node.ts';
export { modelFiles } from './model-files.node.ts';
export { exitCodes, runCli, type CliIo } from './run-cli.node.ts';
export { saveFolder, type SaveFolderOptions } from './save-folder.node.ts';
