import { ArgumentError } from '@ockham/core';
import { modelFiles, type Command, type CommandContext } from '@ockham/core/cli/node';
import { compareModels, describeModels } from '@ockham/core/metrics';
import { loadAdapter } from '../lora/adapter-file.node.ts';
import { bakeLora } from '../lora/merge.ts';
import { formatLoraReport, loraReport } from '../lora/report.ts';

const options = {
  adapter: {
    type: 'string',
    value: 'file or folder',
    help: 'adapter.safetensors, or the folder of PEFT with adapter_model.safetensors. Needed.',
  },
  'any-base': {
    type: 'boolean',
    help: 'Take an adapter that was made on other weights, where the shapes fit.',
  },
} as const;

type Context = CommandContext<typeof options>;

/** Adds a LoRA adapter to the weights of a saved model. */
export const mergeCommand: Command<typeof options> = {
  name: 'merge',
  summary:
    'Adds a LoRA adapter to the weights of its base. The result is an ordinary model.json of the same size, which needs no adapter any more.',
  options,
  data: 'optional',
  examples: [
    ['base/model.json --adapter sst2.safetensors --out merged/', 'one file of saveAdapter'],
    ['base/ --adapter peft-folder/ --data sst-2 --out merged/', "PEFT's folder, accuracy before and after"],
    ['base/ --adapter sst2.safetensors --dry-run', 'see what it would change'],
  ],
  async plan(context) {
    const adapted = await adaptedModel(context);
    try {
      const report = loraReport(adapted);
      return { text: formatLoraReport(report), plan: report };
    } finally {
      adapted.dispose();
    }
  },
  async run(context) {
    const { model: base, data, loss, latency, signal } = context;
    const adapted = await adaptedModel(context);
    try {
      const details = loraReport(adapted);
      const merged = await bakeLora(adapted);
      try {
        const reports = await describeModels(
          { base, merged },
          { latency, signal, ...(data?.test && { data: data.test, evaluate: { loss } }) },
        );
        const files = await modelFiles(merged);
        const report = compareModels(reports['base']!, reports['merged']!, { promised: [] });
        return {
          files,
          forms: [[...files.keys()]],
          report,
          details,
          text: `${formatLoraReport(details)}\n`,
          sameSize: true,
        };
      } finally {
        merged.dispose();
      }
    } finally {
      adapted.dispose();
    }
  },
};

function adaptedModel({ model, options: { adapter, 'any-base': anyBase = false } }: Context) {
  if (adapter === undefined)
    throw new ArgumentError('merge: --adapter must name the adapter to merge. Save one with saveAdapter.');
  return loadAdapter(model, adapter, { anyBase });
}
