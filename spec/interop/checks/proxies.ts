import { randomBytes } from 'node:crypto';
import { lastValueFrom, mergeMap, range } from 'rxjs';
import {
  ConnectError,
  ProxyError,
  RequestTransmissionFailedError,
  ResponseFailedError,
  ResponseNeverReceivedError,
} from 'rxjs-http-pool';
import type { Check } from '../Check.js';
import { fileCount, freePort, sha1 } from '../Ground.js';
import type { Site } from '../Site.js';
import { countsOf, inWords } from '../Tally.js';
import { underLoad } from './renewal.js';

const rounds = 30;

/** Whether the proxy answers for itself, as it does to what is asked of it as a whole URL. */
const forwards = ({ instance, transport }: Site): boolean => instance.proxy!.startsWith('http') && transport === 'tcp';

/** Requests in a row, up and down, over as few connections as the proxy allows; and others, who are refused. */
export const proxyBasics: Check = {
  name: 'proxy',
  setup: 'steady',
  ofProxies: true,
  async run(site) {
    const { tally, server } = site;
    const agent = site.agent();
    for (let i = 0; i < rounds; i++) await site.getFile(agent, i % fileCount, i);
    const { opened } = agent.pool.stats();
    // It ends each connection after one answer.
    const wanted = server.name === 'tinyproxy' && forwards(site) ? rounds : 1;
    tally.expect(opened === wanted, `${rounds} requests in a row opened ${opened} connections, and not ${wanted}`);

    const bytes = randomBytes(1024 * 1024);
    const id = `${server.name}-${site.transport}`;
    const bodies = { bytes, chunks: () => new Blob([bytes]).stream() };
    for (const [how, body] of Object.entries(bodies)) {
      // Over a connection of its own: tinyproxy ends them without a word, and a POST is not sent twice.
      const answer = await site.ask(site.agent(), {
        url: `/app/echo?id=${id}`,
        method: 'POST',
        body: body as Uint8Array,
      });
      const got = JSON.parse(Buffer.from(answer.body).toString()) as { readonly sha1: string };
      tally.expect(got.sha1 === sha1(bytes), `an upload of ${how}: ${answer.status}`);
    }
    const executed = (await site.executions())[id];
    tally.expect(executed === 2, `two uploads were executed ${executed} times`);

    const url = new URL(site.instance.proxy!);
    for (const [user, password] of [
      ['', ''],
      ['alice', 'wrong'],
      ['mallory', url.password],
    ]) {
      url.username = user;
      url.password = password;
      const outcome = await refusal(site, url.href, '/files/1');
      const right = forwards(site) ? /^40[17]$/.test(outcome) : /^ProxyError/.test(outcome);
      tally.expect(right, `${user}:${password} was not refused: ${outcome}`);
      tally.note(`${user === '' ? 'nobody' : user}: ${outcome}`);
    }
  },
};

/** A server that is not there, or is another: the proxy says so, or the certificate. */
export const proxyFailures: Check = {
  name: 'proxy failures',
  setup: 'steady',
  ofProxies: true,
  async run(site) {
    const { tally, transport } = site;
    const nowhere = `${transport === 'tls' ? 'https' : 'http'}://127.0.0.1:${await freePort()}/`;
    const outcome = await refusal(site, site.instance.proxy!, nowhere, {});
    const right = forwards(site) ? /^50[0234]$/.test(outcome) : /^ProxyError( 50[0234])?/.test(outcome);
    tally.expect(right, `a server that is not there: ${outcome}`);
    tally.note(`not there: ${outcome}`);
    if (transport !== 'tls') return;
    const other = await refusal(site, site.instance.proxy!, '/files/1', { connect: { servername: 'elsewhere.test' } });
    tally.expect(/ERR_TLS_CERT_ALTNAME_INVALID/.test(other), `the wrong host was not refused: ${other}`);
    const plain = `https://127.0.0.1:${site.addresses.tcp}/`;
    const noTLS = await refusal(site, site.instance.proxy!, plain, {});
    tally.expect(/^ConnectError/.test(noTLS), `a server without TLS: ${noTLS}`);
  },
};

async function refusal(site: Site, proxy: string, url: string, options: object = {}): Promise<string> {
  const base = /^https?:/.test(url) ? { baseURL: undefined } : {};
  return site.ask(site.agent({ ...options, ...base, proxy }), { url }).then(
    ({ status }) => String(status),
    (error: unknown) => inWords(error) + (error instanceof ProxyError ? ` ${error.status ?? ''}` : ''),
  );
}

/** Many at a time, each answered once with its own bytes. */
export const proxyLoad: Check = {
  name: 'proxy load',
  setup: 'steady',
  ofProxies: true,
  async run(site) {
    const agent = site.agent();
    const started = performance.now();
    const requests = 500;
    await lastValueFrom(range(0, requests).pipe(mergeMap(id => site.getFile(agent, id % fileCount, id), 30)));
    site.tally.note(`${Math.round((requests / (performance.now() - started)) * 1_000)} requests/s`);
  },
};

/** The proxy is reloaded, or killed and started again, in mid-load: what fails then fails cleanly, and all is well after. */
export const proxyRenewal: Check = {
  name: 'proxy killed',
  setup: 'steady',
  ofProxies: true,
  async run(site) {
    const { errors, afterwards } = await underLoad(site, 2, {});
    site.tally.note(`failed: ${countsOf(errors.map(inWords))}`);
    const clean = [ConnectError, RequestTransmissionFailedError, ResponseNeverReceivedError, ResponseFailedError];
    for (const error of errors)
      site.tally.expect(
        clean.some(kind => error instanceof kind),
        `killed: ${inWords(error)}`,
      );
    for (const error of afterwards) site.tally.fault(`after that: ${inWords(error)}`);
  },
};
