import { isolatedTests } from '@ockham/vitest-config/isolated';

export default isolatedTests('test/*threads.browser.test.ts');
