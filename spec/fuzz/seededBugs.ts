import type { SeededBug } from '../support/seedBug.js';
import type { Kind } from './campaign.js';

/** A seeded bug, and what is generated to find it. */
interface FuzzBug extends SeededBug {
  readonly kind: Kind;
}

export const seededBugs: readonly FuzzBug[] = [
  {
    name: 'upper-case digits of a chunk size are off by one',
    kind: 'responses',
    file: 'wire/octets.ts',
    declaration: 'hexValue',
    replacement: `export const hexValue = original.map((value, octet) => (/[A-F]/.test(String.fromCharCode(octet)) ? value + 1 : value));`,
  },
  {
    name: 'a view is kept past its call',
    kind: 'clients',
    file: 'protocol/IncomingBody.ts',
    declaration: 'IncomingBody.settle',
    replacement: 'settle() {}',
  },
  {
    name: 'chunk sizes are decimal',
    kind: 'requests',
    file: 'wire/chunk.ts',
    declaration: 'chunkHead',
    replacement: 'export function chunkHead(size) { return String(size) + "\\r\\n"; }',
  },
];
