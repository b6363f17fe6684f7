import type { AgentBody } from 'rxjs-http-pool';
import type { Check } from '../Check.js';
import { countsOf, inWords } from '../Tally.js';

const bytes = Buffer.alloc(8 * 1024 * 1024, 'x');
const tries = 20;

async function* inPieces(): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += 100_000) yield bytes.subarray(at, at + 100_000);
}

const ways: Readonly<Record<string, { readonly body: AgentBody; readonly headers?: Record<string, string> }>> = {
  bytes: { body: bytes },
  stream: { body: () => inPieces(), headers: { 'content-length': String(bytes.length) } },
};

/**
 * The server refuses a long upload by what its head says of it, and answers 413 at once. Some read what is under way;
 * others reset the connection, so that a write fails while the answer waits to be read. It comes through in any case.
 */
export const tooLarge: Check = {
  name: 'early 413',
  setup: 'strict',
  async run(site) {
    const id = `${site.server.name}-${site.transport}-413`;
    for (const [way, how] of Object.entries(ways)) {
      const outcomes: string[] = [];
      for (let i = 0; i < tries; i++) {
        const request = { url: `${site.server.abilities.limitedPath}?id=${id}`, method: 'POST', ...how };
        const outcome = await site.ask(site.agent(), request).then(({ status }) => String(status), inWords);
        outcomes.push(outcome);
        site.tally.expect(outcome === '413', `early 413 (${way}): ${outcome}`);
      }
      site.tally.note(`413 (${way}): ${countsOf(outcomes)}`);
      await site.getFile(site.agent(), 1);
    }
    const executed = (await site.executions())[id];
    site.tally.expect(executed === undefined, 'an upload that was refused was executed');
  },
};
