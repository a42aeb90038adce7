/** Digits of each class in the file that ships with the page: to learn from, and to test on. */
export const PER_CLASS = { train: 200, test: 50 } as const;
