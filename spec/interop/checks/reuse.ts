import type { Check } from '../Check.js';

/** Requests one after the other use one connection, as we count and as the server does. */
export const reuse: Check = {
  name: 'reuse',
  setup: 'steady',
  async run(site) {
    const agent = site.agent();
    const connections = new Set<string>();
    for (let i = 0; i < 100; i++) {
      const { headers } = await site.getFile(agent, i % 64, i);
      connections.add(headers.get('x-connection') ?? 'unknown');
    }
    const { opened } = agent.pool.stats();
    site.tally.expect(opened === 1, `100 requests in a row opened ${opened} connections`);
    site.tally.expect(connections.size === 1, `the server saw ${connections.size} connections`);
  },
};
