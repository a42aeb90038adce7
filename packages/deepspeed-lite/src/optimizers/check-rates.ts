import { ArgumentError } from '@ockham/core';

/** Refuses decay rates that are not in [0, 1). */
export function checkFractions(who: string, values: Readonly<Record<string, number>>): void {
  for (const [name, value] of Object.entries(values)) {
    if (value >= 0 && value < 1) continue;
    throw new ArgumentError(`${who}: ${name} must be in [0, 1), got ${value}.`);
  }
}

/** Refuses numbers that are negative or not finite. */
export function checkNotNegative(who: string, values: Readonly<Record<string, number>>): void {
  for (const [name, value] of Object.entries(values)) {
    if (value >= 0 && value < Infinity) continue;
    throw new ArgumentError(`${who}: ${name} must be finite and ≥ 0, got ${value}.`);
  }
}

/** Refuses numbers of steps that are not integers ≥ 1. */
export function checkSteps(who: string, values: Readonly<Record<string, number>>): void {
  for (const [name, value] of Object.entries(values)) {
    if (Number.isInteger(value) && value >= 1) continue;
    throw new ArgumentError(`${who}: ${name} must be an integer ≥ 1, got ${value}.`);
  }
}
