import { verdict } from '../wire/verdict.js';
import type { Scene, Verdict } from './Case.js';
import type { Library } from './library.js';

const outcomes: Readonly<Record<string, string>> = {
  end: 'complete',
  upgrade: 'upgraded',
  more: 'waiting',
  none: 'ResponseNeverReceivedError',
};

/** The verdict of the parser alone, on bytes in these pieces, and what a connection has to make of it. */
export function atParser(library: Library, bytes: Buffer, cuts: readonly number[], scene: Scene = {}): Verdict {
  const { method, upgrade, limits, end } = scene;
  const seen = verdict(
    bytes,
    cuts,
    { method, upgrade, limits: library.protocolLimits(limits), eof: end === 'FIN' },
    library.ResponseParser,
  );
  const outcome = outcomes[seen.outcome] ?? seen.outcome;
  const reusable = seen.persistent === true && seen.surplus === '' && end === undefined;
  const connection =
    outcome === 'waiting'
      ? 'busy'
      : outcome === 'upgraded'
        ? 'upgraded'
        : outcome === 'complete' && reusable
          ? 'kept'
          : 'closed';
  return {
    outcome,
    connection,
    informational: seen.informational,
    status: seen.status ?? null,
    statusText: seen.statusText ?? null,
    version: seen.version ?? null,
    headers: seen.headers ?? null,
    length: seen.contentLength ?? null,
    keepAlive: seen.keepAlive ?? null,
    body: seen.body,
    trailers: seen.trailers,
    tunnel: outcome === 'upgraded' ? seen.surplus : '',
  };
}

/** Where the response ends: the number of bytes that are its own. */
export function ownLength(library: Library, bytes: Buffer, scene: Scene): number {
  const { method, upgrade, limits } = scene;
  const { surplus } = verdict(
    bytes,
    [],
    { method, upgrade, limits: library.protocolLimits(limits) },
    library.ResponseParser,
  );
  return bytes.length - surplus.length;
}
