import type { Check } from '../Check.js';

/** Answers that end their connection, by what they say or by their version: read whole, and never used again. */
export const closing: Check = {
  name: 'closing',
  setup: 'steady',
  async run(site) {
    const agent = site.agent();
    for (let i = 0; i < 5; i++) {
      const answer = await site.get(agent, '/app/close');
      site.tally.expect(Buffer.from(answer.body).toString() === 'closing', 'other bytes');
      await site.getFile(agent, 3);
    }
    // As we ask for it: every server knows that.
    for (let i = 0; i < 5; i++) {
      const before = agent.pool.stats().opened;
      await site.ask(agent, { url: '/files/5', headers: { connection: 'close' } });
      await site.getFile(agent, 6);
      site.tally.expect(agent.pool.stats().opened - before === 1, 'a connection was used after its close');
    }
    const { oldVersion } = site.server.abilities;
    if (!oldVersion) return;
    for (let i = 0; i < 5; i++) {
      const before = agent.pool.stats().opened;
      const answer = await site.ask(agent, { url: '/files/2', headers: { old: 'yes' } });
      site.tally.expect(answer.response.httpVersion === '1.0', 'no answer in HTTP/1.0');
      site.tally.verify(answer, { id: '', sum: site.ground.sums.get('2')! });
      await site.getFile(agent, 6);
      site.tally.expect(agent.pool.stats().opened - before === 1, 'a connection was used after HTTP/1.0');
    }
  },
};
