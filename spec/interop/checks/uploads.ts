import { randomBytes } from 'node:crypto';
import type { BodyChunk } from 'rxjs-http-pool';
import type { Check } from '../Check.js';
import { sha1 } from '../Ground.js';

const piece = 60_000;

async function* inPieces(bytes: Uint8Array): AsyncGenerator<BodyChunk> {
  for (let at = 0; at < bytes.length; at += piece) yield bytes.subarray(at, at + piece);
}

/** What goes up, of known length and in chunks: the server got it as it was, once. */
export const uploads: Check = {
  name: 'uploads',
  setup: 'steady',
  async run(site) {
    const agent = site.agent();
    let id = 0;
    const prefix = `${site.server.name}-${site.transport}-upload-`;
    for (const method of ['POST', 'PUT']) {
      for (const size of [0, 1_024, 10 * 1024 * 1024]) {
        const bytes = randomBytes(size);
        const ways = {
          bytes: { body: bytes },
          'a stream with its length': { body: () => inPieces(bytes), headers: { 'content-length': String(size) } },
          'a stream in chunks': { body: () => inPieces(bytes) },
        };
        for (const [way, how] of Object.entries(ways)) {
          const name = `${prefix}${++id}`;
          const answer = await site.ask(agent, { url: `/app/echo?id=${name}`, method, ...how });
          const wanted = JSON.stringify({ id: name, length: size, sha1: sha1(bytes) });
          const got = Buffer.from(answer.body)
            .toString()
            .replace(/([:,]) /g, '$1');
          site.tally.expect(got === wanted, `${method} of ${size} bytes as ${way}: ${answer.status} ${got}`);
        }
      }
    }
    const { opened } = agent.pool.stats();
    // An answer that is read before the socket has said that it took the last bytes costs the connection.
    site.tally.expect(opened <= 4, `${id} uploads opened ${opened} connections`);
    const counts = Object.entries(await site.executions()).filter(([name]) => name.startsWith(prefix));
    site.tally.expect(
      counts.length === id && counts.every(([, times]) => times === 1),
      'an upload was executed twice, or not at all',
    );
  },
};
