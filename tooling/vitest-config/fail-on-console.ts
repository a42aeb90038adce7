import { afterEach, beforeEach, expect, vi } from 'vitest';

const printers = ['log', 'info', 'warn', 'error', 'debug'] as const;

let printed: unknown[][] = [];

beforeEach(() => {
  printed = [];
  for (const name of printers) {
    vi.spyOn(console, name).mockImplementation((...words: unknown[]) => void printed.push(words));
  }
});

afterEach(() => {
  vi.restoreAllMocks();
  expect(printed, 'a test must not print').toEqual([]);
});
