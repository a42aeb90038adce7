import { ArgumentError } from '@ockham/core';
import { checkAdaptiveStep, type AdaptiveStepOptions } from './adaptive-step.ts';
import { checkArmijoStep, type ArmijoStepOptions } from './armijo-step.ts';
import { checkPolyakStep, type PolyakStepOptions } from './polyak-step.ts';

/** What decides the size of a step. */
export type StepRule =
  | { readonly rule: 'fixed' }
  | ({ readonly rule: 'adaptive' } & AdaptiveStepOptions)
  | ({ readonly rule: 'polyak' } & PolyakStepOptions)
  | ({ readonly rule: 'line-search' } & ArmijoStepOptions);

/** A {@link StepRule}, or its name for the defaults. */
export type Step = StepRule['rule'] | StepRule;

/** A rule with every option filled in. */
export type ResolvedStep =
  | { readonly rule: 'fixed' }
  | { readonly rule: 'adaptive'; readonly options: Required<AdaptiveStepOptions> }
  | { readonly rule: 'polyak'; readonly options: Required<PolyakStepOptions> }
  | { readonly rule: 'line-search'; readonly options: Required<ArmijoStepOptions> };

/** Options that differ from the rules' own. */
export interface StepDefaults {
  readonly adaptive?: AdaptiveStepOptions;
  readonly polyak?: PolyakStepOptions;
  readonly 'line-search'?: ArmijoStepOptions;
}

/** @throws ArgumentError naming `who` for an unknown rule or an option out of range. */
export function resolveStep(who: string, step: Step, defaults: StepDefaults = {}): ResolvedStep {
  const given: StepRule = typeof step === 'string' ? { rule: step } : step;
  switch (given.rule) {
    case 'fixed':
      return { rule: 'fixed' };
    case 'adaptive':
      return { rule: 'adaptive', options: checkAdaptiveStep(who, { ...defaults.adaptive, ...given }) };
    case 'polyak':
      return { rule: 'polyak', options: checkPolyakStep(who, { ...defaults.polyak, ...given }) };
    case 'line-search':
      return { rule: 'line-search', options: checkArmijoStep(who, { ...defaults['line-search'], ...given }) };
    default:
      throw new ArgumentError(
        `${who}: step must be 'fixed', 'adaptive', 'polyak' or 'line-search', got ${JSON.stringify((given as { rule: unknown }).rule)}.`,
      );
  }
}
