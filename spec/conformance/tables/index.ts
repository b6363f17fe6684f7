import type { Row } from '../Case.js';
import { faults } from './faults.js';
import { framing } from './framing.js';
import { limits } from './limits.js';
import { malformed } from './malformed.js';

export { requests, type RequestRow } from './requests.js';
export * from './rules.js';

/** All responses, under the names of their tables. */
export const responses: Readonly<Record<string, readonly Row[]>> = { framing, limits, faults, malformed };
