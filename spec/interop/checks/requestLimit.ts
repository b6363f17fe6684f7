import { lastValueFrom, mergeMap, range } from 'rxjs';
import type { Check } from '../Check.js';

const requests = 1_000;

/** The server closes a connection after every tenth request: nobody notices. */
export const requestLimit: Check = {
  name: 'request limit',
  setup: 'strict',
  applies: ({ server }) => server.abilities.requestLimit,
  async run(site) {
    const agent = site.agent();
    await lastValueFrom(range(0, requests).pipe(mergeMap(id => site.getFile(agent, id % 64, id), 20)));
    const { opened } = agent.pool.stats();
    const least = requests / site.settings.requestsPerConnection;
    site.tally.expect(opened >= least, `the limit took ${opened} connections, and not at least ${least}`);
  },
};
