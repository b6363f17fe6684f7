import { isHTTPClientError } from 'rxjs-http-pool';
import type { Check } from '../Check.js';

/** 1xx responses that nobody had asked for are no answers; asking for one is refused, as nothing waits for it. */
export const informational: Check = {
  name: 'informational',
  setup: 'steady',
  async run(site) {
    const agent = site.agent();
    const refusal = await site
      .ask(agent, { url: '/app/echo', method: 'POST', body: 'x', headers: { expect: '100-continue' } })
      .catch((error: unknown) => error);
    site.tally.requests--; // it was not sent
    site.tally.expect(isHTTPClientError(refusal, 'ERR_INVALID_REQUEST'), 'Expect was not refused');

    if (!site.server.abilities.informational) return;
    for (const [path, wanted, body] of [
      ['/app/hints', 103, 'hinted'],
      ['/app/continue', 100, 'continued'],
    ] as const) {
      const statuses: number[] = [];
      const answer = await site.ask(agent, {
        url: path,
        observer: { informational: ({ status }) => statuses.push(status) },
      });
      const got = Buffer.from(answer.body).toString();
      site.tally.expect(answer.status === 200 && got === body, `${path}: ${answer.status} ${got}`);
      if (statuses.includes(wanted)) site.tally.note(`${wanted} seen`);
      else site.tally.note(`${wanted} swallowed`);
    }
    await site.getFile(agent, 3);
  },
};
