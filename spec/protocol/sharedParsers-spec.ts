import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { HTTP11ClientProtocol, protocolLimits, type ProtocolLimits } from '../../src/protocol/index.js';
import { DeadlineSweep } from '../../src/timing/index.js';
import { answer, chunkedAnswer, chunkedHead, FakeTransport, record, VirtualClock } from '../support/index.js';

/** A connection like those of one pool: they have their limits in common, and so their parsers. */
function open(limits: ProtocolLimits) {
  const transport = new FakeTransport();
  const connection = new HTTP11ClientProtocol(transport, {
    persistent: true,
    limits,
    deadlines: new DeadlineSweep(new VirtualClock()),
    report: error => {
      throw error;
    },
  });
  const ask = (path: string) => record(connection.request({ path }));
  return { transport, connection, ask };
}

const bodyOf = (connection: number, round: number): string => `body ${round} of ${connection}`;

/** Of each kind one leaves something behind that the next must not find: trailers, hints, an interim response. */
const kinds: readonly ((body: string) => string)[] = [
  body => answer(body),
  body => answer(body, { headers: ['Keep-Alive: timeout=7, max=3', 'X-Only: here'] }),
  body => chunkedAnswer(...body),
  body => `HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n${answer(body)}`,
];

/** Responses to several connections, cut anywhere, their parts in any order: each connection reads its own. */
function interleaved(): void {
  const part = fc.tuple(fc.nat(3), fc.integer({ min: 1, max: 40 }));
  const run = fc.tuple(fc.array(fc.nat(kinds.length - 1), { minLength: 4, maxLength: 4 }), fc.array(part));
  fc.assert(
    fc.property(run, ([chosen, parts]) => {
      const limits = protocolLimits(undefined);
      const lanes = chosen.map((kind, id) => {
        const { transport, ask } = open(limits);
        const lane = { round: 0, left: '' };
        const texts: (() => string)[] = [];
        const expected: string[] = [];
        const next = (): void => {
          const asked = ask('/');
          lane.left = kinds[(kind + lane.round) % kinds.length](bodyOf(id, lane.round));
          texts.push(() => record(asked.values[0].text()).values[0]);
          expected.push(bodyOf(id, lane.round));
          lane.round++;
        };
        next();
        const send = (length: number): void => {
          const bytes = lane.left.slice(0, length);
          lane.left = lane.left.slice(length);
          transport.respond(bytes);
          if (lane.left === '') next();
        };
        return { send, lane, texts, expected };
      });
      for (const [id, length] of parts) lanes[id].send(length);
      for (const { send, lane, texts, expected } of lanes) {
        send(lane.left.length);
        texts.pop(); // the request that was made after that has no answer
        expected.pop();
        expect(texts.map(text => text())).toEqual(expected);
      }
    }),
    { seed: 1, numRuns: 200 },
  );
}

describe('connections that share parsers', () => {
  it('read each its own, however their responses are cut and mixed', interleaved);

  it('do so from within each other, also where one is closed there', () => {
    const limits = protocolLimits(undefined);
    const [outer, inner] = [open(limits), open(limits)];
    const outerSeen = outer.ask('/outer');
    const innerSeen = inner.ask('/inner');
    outer.transport.respond(chunkedHead);
    const chunks: string[] = [];
    let innerText: string | undefined;
    outerSeen.values[0].body.subscribe({
      next: chunk => {
        chunks.push(Buffer.from(chunk).toString());
        outer.connection.close();
        inner.transport.respond(answer('of the inner one'));
        innerText = record(innerSeen.values[0].text()).values[0];
      },
      error: () => undefined,
    });
    outer.transport.respond('6\r\nsecret\r\n4\r\nrest\r\n0\r\n\r\n');
    expect([chunks, innerText]).toEqual([['secret'], 'of the inner one']);
  });

  it('have no other’s limits', () => {
    const wide = open(protocolLimits({ maxHeadSize: 10_000 }));
    const narrow = open(protocolLimits({ maxHeadSize: 100 }));
    const long = answer('x', { headers: [`X-Long: ${'a'.repeat(200)}`] });
    for (const round of [1, 2]) {
      const seen = wide.ask(`/${round}`);
      wide.transport.respond(long);
      expect(record(seen.values[0].text()).values).toEqual(['x']);
    }
    const refused = narrow.ask('/');
    narrow.transport.respond(long);
    expect(refused.error).toMatchObject({ code: 'ERR_HEADERS_OVERFLOW' });
  });
});
