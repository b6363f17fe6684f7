import { firstValueFrom, lastValueFrom } from 'rxjs';
import { ConnectError, HTTPConnectionPool, tls, type TLSOptions } from 'rxjs-http-pool';
import type { Check } from '../Check.js';
import type { Site } from '../Site.js';
import { inWords } from '../Tally.js';

/** Versions, session resumption, the wrong host, the wrong CA, and the client's own certificate. */
export const tlsCheck: Check = {
  name: 'tls',
  setup: 'steady',
  applies: ({ transport }) => transport === 'tls',
  async run(site) {
    for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
      const agent = site.agent({ connect: { minVersion: version, maxVersion: version } });
      for (let i = 0; i < 5; i++) await site.getFile(agent, i);
      site.tally.expect(agent.pool.stats().opened === 1, `${version}: more than one connection`);
      await resumption(site, { minVersion: version, maxVersion: version });
    }

    await refused(site, 'the wrong host', { servername: 'elsewhere.test' }, 'ERR_TLS_CERT_ALTNAME_INVALID');
    await refused(site, 'an unknown CA', { ca: undefined }, 'UNABLE_TO_VERIFY_LEAF_SIGNATURE');
    if (site.server.name === 'nginx') await clientCertificates(site);
  },
};

async function resumption(site: Site, versions: Pick<TLSOptions, 'minVersion' | 'maxVersion'>): Promise<void> {
  const pool = new HTTPConnectionPool({ persistent: false });
  const endpoint$ = tls({ host: 'localhost', port: Number(site.addresses.tls), ca: site.ground.ca, ...versions });
  const resumed: (boolean | undefined)[] = [];
  for (let i = 0; i < 3; i++) {
    const lease = await firstValueFrom(pool.get('key', endpoint$));
    resumed.push(lease.info?.resumed);
    site.tally.requests++;
    site.tally.connections++;
    const response = await firstValueFrom(lease.request({ path: '/files/3' }));
    await lastValueFrom(response.discard(), { defaultValue: undefined });
  }
  await firstValueFrom(pool.close());
  site.tally.expect(
    resumed.slice(1).every(Boolean), // the first may resume what another pool began
    `${versions.maxVersion}: sessions resumed: ${resumed.join(', ')}`,
  );
}

async function refused(site: Site, what: string, options: Partial<TLSOptions>, code: string): Promise<void> {
  const outcome: unknown = await site
    .get(site.agent({ connect: options }), '/files/1')
    .catch((error: unknown) => error);
  const right = outcome instanceof ConnectError && inWords(outcome).includes(code);
  site.tally.requests--; // it was not sent
  site.tally.expect(right, `${what} was not refused: ${inWords(outcome)}`);
}

async function clientCertificates(site: Site): Promise<void> {
  const { ground, addresses } = site;
  const baseURL = `https://localhost:${addresses.mutual}`;
  const none = await site.get(site.agent({ baseURL }), '/files/1');
  site.tally.expect(none.status === 400, `without a certificate: ${none.status} instead of 400`);
  const own = { cert: ground.certificate('cert', 'client'), key: ground.certificate('key', 'client') };
  const some = await site.get(site.agent({ baseURL, connect: own }), '/files/1');
  site.tally.expect(some.status === 200, `with a certificate: ${some.status} instead of 200`);
}
