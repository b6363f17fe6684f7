import { setTimeout as sleep } from 'node:timers/promises';
import { firstValueFrom, ignoreElements, lastValueFrom, mergeMap, range } from 'rxjs';
import type { Check } from '../Check.js';
import { fileCount, sha1 } from '../Ground.js';

const requests = 10_000;
const rounds = 10;
const concurrency = 50;

/**
 * Ten thousand requests, fifty at a time: each is answered once, with its own id and bytes, over at most fifty
 * connections; afterwards nothing is left open, and the heap has not grown.
 */
export const load: Check = {
  name: 'load',
  setup: 'steady',
  async run(site) {
    const { tally } = site;
    await sleep(50);
    const before = process.getActiveResourcesInfo().sort().join(' ');
    const agent = site.agent();
    const connections = new Set<string>();
    const answers = new Uint8Array(requests);
    const heaps: number[] = [];
    const ask = async (id: number): Promise<void> => {
      const answer =
        id % 10 === 9 ? await site.get(agent, `/app/id?id=${id}`) : await site.getFile(agent, id % fileCount, id);
      if (id % 10 === 9) tally.verify(answer, { id: String(id), sum: sha1(Buffer.from(`GET ${id} /app/id?id=${id}`)) });
      answers[id]++;
      const connection = answer.headers.get('x-connection');
      if (connection !== null) connections.add(connection);
    };
    const started = performance.now();
    for (let round = 0; round < rounds; round++) {
      const each = requests / rounds;
      await lastValueFrom(range(round * each, each).pipe(mergeMap(ask, concurrency), ignoreElements()), {
        defaultValue: undefined,
      });
      globalThis.gc?.();
      heaps.push(process.memoryUsage().heapUsed);
    }
    const perSecond = Math.round((requests / (performance.now() - started)) * 1_000);
    tally.expect(
      answers.every(times => times === 1),
      'not each request was answered once',
    );
    const { opened } = agent.pool.stats();
    tally.expect(opened <= concurrency, `${opened} connections for ${concurrency} at a time`);
    if (connections.size > 0) {
      tally.expect(opened === connections.size, `we opened ${opened}, the server saw ${connections.size}`);
    }
    const growth = heaps[rounds - 1] - heaps[3];
    tally.expect(globalThis.gc === undefined || growth < 600_000, `the heap grew by ${growth} bytes`);
    tally.note(`${perSecond} requests/s`);

    await firstValueFrom(agent.close());
    await sleep(50);
    const after = process.getActiveResourcesInfo().sort().join(' ');
    tally.expect(after === before, `left: ${after}; before: ${before}`);
  },
};
