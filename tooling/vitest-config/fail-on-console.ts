import { afterEach, beforeEach, expect, vi } from 'vitest';

const printers = ['log', 'info', 'warn', 'error'] as const;

beforeEach(() => {
  for (const name of printers) vi.spyOn(console, name).mockImplementation(() => undefined);
});

afterEach(() => {
  const printed = printers.flatMap((name) => vi.mocked(console[name]).mock?.calls ?? []);
  vi.restoreAllMocks();
  expect(printed, 'a test must not print').toEqual([]);
});
