import type { SeededBug } from '../support/seedBug.js';

export const seededBugs: readonly SeededBug[] = [
  {
    name: 'nobody waits for the loop to poll',
    file: 'pool/Polls.ts',
    declaration: 'Polls.add',
    replacement: 'add(place) { this.polled([place]); }',
  },
  {
    name: 'every request may be done twice',
    file: 'protocol/isIdempotent.ts',
    declaration: 'isIdempotent',
    replacement: 'export function isIdempotent() { return true; }',
  },
  {
    name: 'a truncated body passes for a whole one',
    file: 'wire/ResponseParser.ts',
    declaration: 'ResponseParser.eof',
    replacement: `eof() { return this.head.status === 200 ? 'end' : this.original(); }`,
  },
];
