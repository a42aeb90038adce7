/** Entries as they were written; one line for what they depend on, not one for each change of it. */
export default {
  getReleaseLine({ summary }) {
    const [first, ...rest] = summary.trim().split('\n');
    return Promise.resolve(
      [`- ${first}`, ...rest.map((line) => (line === '' ? '' : `  ${line}`))].join('\n'),
    );
  },
  getDependencyReleaseLine(_changesets, dependencies) {
    const updated = dependencies.map(({ name, newVersion }) => `${name} ${newVersion}`);
    return Promise.resolve(updated.length === 0 ? '' : `- On ${updated.join(', ')}.`);
  },
};
