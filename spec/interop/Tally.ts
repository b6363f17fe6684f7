import { isHTTPClientError } from 'rxjs-http-pool';
import { sha1 } from './Ground.js';
import type { Answer } from './Site.js';

/** What was counted at one server over one transport. */
export class Tally {
  requests = 0;
  connections = 0;
  retries = 0;
  failures = 0;
  /** What went wrong, and how often. */
  readonly faults = new Map<string, number>();
  /** What is worth knowing of a run that went well. */
  readonly notes: string[] = [];

  fault(text: string): void {
    this.failures++;
    this.faults.set(text, (this.faults.get(text) ?? 0) + 1);
  }

  expect(condition: boolean, text: string): void {
    if (!condition) this.fault(text);
  }

  /** The right file, in answer to the right request. */
  verify({ status, headers, body }: Answer, wanted: { readonly id: string; readonly sum: string }): void {
    const id = headers.get('x-id');
    if (status !== 200) this.fault(`status ${status} instead of 200`);
    else if (id !== null && id !== wanted.id) this.fault("another request's answer");
    else if (sha1(body) !== wanted.sum) this.fault('other bytes');
  }

  note(text: string): void {
    this.notes.push(text);
  }
}

/** An error in few words: its class, the phase it happened in, and the system's code at the end of its causes. */
export function inWords(error: unknown): string {
  if (!isHTTPClientError(error)) return String(error);
  let cause: unknown = error.cause;
  while (cause instanceof Error && cause.cause !== undefined) cause = cause.cause;
  const code = cause instanceof Error ? ` (${(cause as NodeJS.ErrnoException).code ?? cause.message})` : '';
  return `${error.constructor.name}${error.reused ? ' reused' : ''}${code}`;
}

/** The names of what went wrong, and how often: `3 × ConnectError (ECONNREFUSED), …`. */
export function countsOf(words: readonly string[]): string {
  const counts = new Map<string, number>();
  for (const word of words) counts.set(word, (counts.get(word) ?? 0) + 1);
  return [...counts].map(([word, count]) => `${count} × ${word}`).join(', ') || 'none';
}
