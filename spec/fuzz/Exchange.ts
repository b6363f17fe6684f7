import type { Play } from './Reading.js';

/** A play with a connection around it, and somebody who reads the body. */
export interface Scene extends Play {
  /** What the peer does behind the segment `endAt`; behind the last one if there are fewer. */
  readonly end: 'open' | 'FIN' | 'RST';
  readonly endAt: number;
  readonly reader: 'body' | 'pull' | 'iterate' | 'readable';
  /** Microtasks run between the segments: what is waited for happens there. */
  readonly pauses: boolean;
}

/** What a client made of a scene. */
export interface ClientReading {
  outcome: 'nothing' | 'response' | 'upgrade' | 'error';
  error: string;
  informational: number[];
  status: number;
  statusText: string;
  version: string;
  fields: readonly string[];
  body: string;
  bodyOutcome: 'open' | 'complete' | 'error';
  trailers: readonly string[];
  /** The connection may carry another request. */
  reusable: boolean;
  /** After an upgrade: what came behind the head. */
  rest: string;
}

export function newClientReading(): ClientReading {
  return {
    outcome: 'nothing',
    error: '',
    informational: [],
    status: 0,
    statusText: '',
    version: '',
    fields: [],
    body: '',
    bodyOutcome: 'open',
    trailers: [],
    reusable: false,
    rest: '',
  };
}

/** The segments that are sent before the end. */
export function segments({ text, cuts, end, endAt }: Scene): Buffer[] {
  const bytes = Buffer.from(text, 'latin1');
  const all = [...cuts, bytes.length]
    .map((to, i) => bytes.subarray(cuts[i - 1] ?? 0, to))
    .filter(part => part.length > 0);
  return end === 'open' ? all : all.slice(0, endAt + 1);
}
