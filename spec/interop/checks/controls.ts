import type { HTTPConnectionPoolOptions } from 'rxjs-http-pool';
import type { Check } from '../Check.js';
import type { Site } from '../Site.js';
import { countsOf, inWords } from '../Tally.js';
import { busy, whenClosed } from './idle.js';
import { underLoad } from './renewal.js';

/** Both guards off: what the checks find nothing with must show now, or they could find nothing. */
const unguarded: HTTPConnectionPoolOptions = { retryAutomatically: false, validateIdle: false };

const onNginx = ({ server, transport }: Site): boolean => server.name === 'nginx' && transport === 'tcp';

/** Positive control of the idle timeout: without the guards GETs fail, and either guard alone suffices here. */
export const idleControl: Check = {
  name: 'control: idle timeout',
  setup: 'brief',
  applies: onNginx,
  async run(site) {
    const moment = await whenClosed(site);
    let margin = 50;
    const failed = async (pool: HTTPConnectionPoolOptions) =>
      (await busy(site, 'GET', moment, pool, margin)).map(inWords);
    let off = await failed(unguarded);
    // On a machine that has much else to do the server may not get to it in time.
    for (; off.length === 0 && margin < 800; off = await failed(unguarded)) margin *= 2;
    site.tally.expect(off.length > 0, 'control: no GET failed at the idle timeout without the guards');
    site.tally.note(`guards off: ${countsOf(off)}`);
    for (const [name, pool] of [
      ['validation', { retryAutomatically: false }],
      ['retry', { validateIdle: false }],
    ] as const) {
      const some = await failed(pool);
      site.tally.expect(some.length === 0, `only ${name}: ${countsOf(some)}`);
      site.tally.note(`only ${name}: ${countsOf(some)}`);
    }
  },
};

/** Positive control of the reload: without the guards GETs fail. */
export const renewalControl: Check = {
  name: 'control: reload',
  setup: 'steady',
  applies: onNginx,
  async run(site) {
    const failures: string[] = [];
    for (let round = 0; round < 5 && failures.length === 0; round++) {
      const { errors, afterwards } = await underLoad(site, 8, unguarded);
      failures.push(...[...errors, ...afterwards].map(inWords));
    }
    site.tally.expect(failures.length > 0, 'control: no GET failed at the reloads without the guards');
    site.tally.note(`guards off: ${countsOf(failures)}`);
  },
};
