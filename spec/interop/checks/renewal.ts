import { setTimeout as sleep } from 'node:timers/promises';
import { ConnectError, ResponseNeverReceivedError, type HTTPConnectionPoolOptions } from 'rxjs-http-pool';
import type { Check } from '../Check.js';
import { fileCount } from '../Ground.js';
import type { Site } from '../Site.js';
import { countsOf, inWords } from '../Tally.js';

const concurrency = 20;

/** The server is reloaded in mid-load: no GET fails. One that is stopped and started refuses connections meanwhile. */
export const renewal: Check = {
  name: 'reload or restart',
  setup: 'steady',
  async run(site) {
    const { renewal } = site.server.abilities;
    const { errors, afterwards } = await underLoad(site, renewal === 'reload' ? 8 : 3, {});
    site.tally.note(`failed: ${countsOf(errors.map(inWords))}`);
    for (const error of errors) {
      // A connection that was not accepted yet when its listener was closed is reset, with the request on it.
      const unaccepted = error instanceof ResponseNeverReceivedError && !error.reused;
      const excused = renewal === 'restart' && (error instanceof ConnectError || unaccepted);
      site.tally.expect(excused, `${renewal}: ${inWords(error)}`);
    }
    for (const error of afterwards) site.tally.fault(`after the ${renewal}: ${inWords(error)}`);
  },
};

/** Keeps asking while the server is renewed so many times; returns what failed, and what did once it was back. */
export async function underLoad(
  site: Site,
  times: number,
  pool: HTTPConnectionPoolOptions,
): Promise<{ readonly errors: readonly unknown[]; readonly afterwards: readonly unknown[] }> {
  const agent = site.agent({ pool });
  const errors: unknown[] = [];
  const afterwards: unknown[] = [];
  let requests = 0;
  const over = new AbortController();
  const caller = async (): Promise<void> => {
    while (!over.signal.aborted) {
      const id = requests++;
      try {
        await site.getFile(agent, id % fileCount, id);
      } catch (error) {
        errors.push(error);
        if (error instanceof ConnectError) await sleep(5);
      }
    }
  };
  const callers = Array.from({ length: concurrency }, caller);
  await sleep(100);
  for (let i = 0; i < times; i++) {
    await site.instance.renew();
    // The pool is as good as new, at once.
    await site.getFile(agent, 1).catch((error: unknown) => afterwards.push(error));
    await sleep(50);
  }
  over.abort();
  await Promise.all(callers);
  return { errors, afterwards };
}
