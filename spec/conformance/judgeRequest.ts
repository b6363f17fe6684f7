import { expect } from '@jest/globals';
import type { ProtocolRequest } from '../../src/protocol/index.js';
import type { HTTPHeadersInit } from '../../src/wire/index.js';
import { answer, openConnection, readRequests, record } from '../support/index.js';
import { turns } from '../loopback/until.js';
import type { Library } from './library.js';
import type { Asked, RequestRow, Sent } from './tables/requests.js';

const host = 'example.test';

/** The forms in which the same headers can be given. */
export function shapesOf(headers: Asked['headers'] = []): Readonly<Record<string, HTTPHeadersInit>> {
  const names = new Set(headers.map(([name]) => name));
  const valuesOf = (wanted: string) => headers.filter(([name]) => name === wanted).map(([, value]) => value);
  return {
    pairs: [...headers],
    // One name, one property: an array stands for several fields.
    record: Object.fromEntries([...names].map(name => [name, valuesOf(name)])),
    ...(names.size === headers.length && {
      'plain record': Object.fromEntries(headers.filter(([, value]) => value !== undefined)),
      map: new Map(headers),
    }),
  };
}

/** What has to be on the wire. */
function wire({ line = 'GET /a?b=c', host: shown = host, fields = [], body = '' }: Sent): string {
  return [`${line} HTTP/1.1`, `Host: ${shown}`, ...fields, '', body].join('\r\n');
}

/**
 * Makes the request in each form of its headers: what was expected is on the wire, as one request; or nothing is, and the
 * connection is as good as before; or the server cannot take what is there for a whole request.
 */
export async function judgeRequest(library: Library, [, , asked, expected]: RequestRow): Promise<void> {
  const { path = '/a?b=c', headers, ...rest } = asked;
  for (const [shape, init] of Object.entries(shapesOf(headers))) {
    // A record cannot say "undefined" but for a header that is not there.
    if (shape === 'plain record' && Object.keys(init).length !== (headers ?? []).length) continue;
    const request: ProtocolRequest = { ...rest, path, headers: init };
    const stage = openConnection({ library, authority: host });
    const seen = stage.request(request);
    await turns();
    const { transport } = stage;
    if ('refused' in expected) {
      const error = seen.error as { field?: string } | undefined;
      expect([shape, seen.outcome, error?.field]).toEqual([shape, 'InvalidRequestError', expected.refused]);
      expect(transport.written).toBe('');
      const next = stage.request();
      transport.respond(answer('next'));
      expect(record(next.values[0].text()).values).toEqual(['next']);
    } else if ('broken' in expected) {
      expect([shape, seen.outcome]).toEqual([shape, expected.broken]);
      expect(transport.requests.map(({ complete }) => complete)).toEqual([false]);
      expect(transport.destroyed).toBe(true);
    } else {
      expect([shape, transport.written]).toEqual([shape, wire(expected.sent)]);
      const one = readRequests(Buffer.concat(transport.writes));
      expect(one.map(({ complete }) => complete)).toEqual([true]);
    }
  }
}
