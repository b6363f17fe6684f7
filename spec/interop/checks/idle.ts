import { setTimeout as sleep } from 'node:timers/promises';
import { firstValueFrom } from 'rxjs';
import {
  RequestTransmissionFailedError,
  ResponseNeverReceivedError,
  type Agent,
  type HTTPConnectionPoolOptions,
} from 'rxjs-http-pool';
import type { Check } from '../Check.js';
import type { Site } from '../Site.js';
import { countsOf, inWords } from '../Tally.js';

/** So many connections that become idle at the same time. */
const atOnce = 50;

/**
 * The server closes idle connections sooner than we would, and is asked again just before, at and after the moment. No
 * GET fails. A POST that was on its way at that very moment may, with an error that says so, and is never sent twice.
 */
export const shorterIdle: Check = {
  name: 'idle timeout, shorter than ours',
  setup: 'brief',
  async run(site) {
    const moment = await whenClosed(site);
    const gets = [
      ...(await tries(site, 'GET', moment, {})),
      ...(await tries(site, 'GET', moment, {})),
      ...(await busy(site, 'GET', moment, {})),
    ];
    for (const error of gets) site.tally.fault(`GET at the idle timeout: ${inWords(error)}`);

    const posts = [...(await tries(site, 'POST', moment, {})), ...(await busy(site, 'POST', moment, {}))];
    for (const error of posts) {
      const typed = error instanceof ResponseNeverReceivedError || error instanceof RequestTransmissionFailedError;
      site.tally.expect(typed, `POST at the idle timeout: ${inWords(error)}`);
    }
    site.tally.note(`closes after ${moment.from}–${moment.to} ms, POSTs lost: ${countsOf(posts.map(inWords))}`);
    const twice = Object.values(await site.executions()).filter(times => times > 1);
    site.tally.expect(twice.length === 0, `${twice.length} POSTs were executed twice`);
  },
};

/** The server keeps idle connections longer than we do: ours go first, and nobody notices. */
export const longerIdle: Check = {
  name: 'idle timeout, longer than ours',
  setup: 'steady',
  async run(site) {
    const agent = site.agent({ pool: { cachedConnectionTimeout: 150 } });
    const reasons: string[] = [];
    agent.pool.events.subscribe(event => {
      if (event.type === 'evicted') reasons.push(event.reason);
    });
    await Promise.all(Array.from({ length: 10 }, () => site.getFile(agent, 1)));
    // Around the moment, as the connections time out.
    for (let i = 0; i < 20; i++) {
      await sleep(140 + i);
      await site.getFile(agent, 2);
    }
    await sleep(250);
    site.tally.expect(agent.pool.stats().open === 0, 'idle connections outlived their time');
    site.tally.expect(
      reasons.every(reason => reason === 'idle-timeout'),
      `evicted for: ${countsOf(reasons)}`,
    );
  },
};

/** The span of ms after an answer within which the server closes an idle connection. */
export interface Moment {
  readonly from: number;
  readonly to: number;
}

/** Looks when it does: some servers look at the clock once a second only. */
export async function whenClosed(site: Site): Promise<Moment> {
  const times = await Promise.all(
    Array.from({ length: atOnce }, async (_, i) => {
      await sleep(i * 20);
      const agent = site.agent();
      await site.getFile(agent, 1);
      const start = performance.now();
      const closed = firstValueFrom(agent.pool.events);
      await closed;
      return Math.round(performance.now() - start);
    }),
  );
  return { from: Math.min(...times), to: Math.max(...times) };
}

let posts = 0;

/** Asks once more; returns the error, if there is one. */
async function again(site: Site, agent: Agent, method: 'GET' | 'POST'): Promise<unknown[]> {
  try {
    if (method === 'GET') await site.getFile(agent, 1);
    else {
      const id = `${site.transport}p${++posts}`;
      const { status } = await site.ask(agent, { url: `/app/echo?id=${id}`, method, body: 'once' });
      site.tally.expect(status === 200, `POST: status ${status}`);
    }
    return [];
  } catch (error) {
    return [error];
  }
}

/** Each connection is asked again at some time around the moment. */
async function tries(
  site: Site,
  method: 'GET' | 'POST',
  { from, to }: Moment,
  pool: HTTPConnectionPoolOptions,
): Promise<unknown[]> {
  const results = await Promise.all(
    Array.from({ length: 2 * atOnce }, async (_, i) => {
      await sleep(i * 3); // not all handshakes at once
      const agent = site.agent({ pool });
      await site.getFile(agent, 1);
      const margin = 10;
      await sleep(from - margin + ((to - from + 2 * margin) * i) / (2 * atOnce) + Math.random());
      return again(site, agent, method);
    }),
  );
  return results.flat();
}

/** The process is busy while the server closes them all, and then asks over all of them at once. */
export async function busy(
  site: Site,
  method: 'GET' | 'POST',
  { from, to }: Moment,
  pool: HTTPConnectionPoolOptions,
  margin = 50,
): Promise<unknown[]> {
  const agents = Array.from({ length: atOnce }, () => site.agent({ pool }));
  await Promise.all(agents.map(agent => site.getFile(agent, 1)));
  const start = performance.now();
  await sleep(from - margin);
  while (performance.now() - start < to + margin); // nothing is read meanwhile
  return (await Promise.all(agents.map(agent => again(site, agent, method)))).flat();
}
