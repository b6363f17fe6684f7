import { getEventListeners } from 'node:events';
import type { LookupFunction } from 'node:net';
import { TLSSocket } from 'node:tls';
import { queryObjects, setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { firstValueFrom, lastValueFrom, type Observable } from 'rxjs';
import type { Endpoint, TLSOptions, Transport } from '../../src/index.js';
import {
  ca,
  certificate,
  echo,
  httpsServer,
  RecordingSink,
  resources,
  socketResources,
  tlsServer,
  turns,
} from '../loopback/index.js';
import { shown, type Attacks, type Library } from './attack.js';

setFlagsFromString('--expose-gc');
const gc = runInNewContext('gc') as () => void;

const selfSigned = 'SELF_SIGNED_CERT';
const otherName = 'ERR_TLS_CERT_ALTNAME_INVALID';

/** What a verified dial comes to: `connected`, or its error in words. */
async function outcomeOf(made: () => Observable<unknown>): Promise<string> {
  try {
    const value = await firstValueFrom(made());
    if (typeof (value as Partial<Transport>).destroy === 'function') (value as Transport).destroy();
    return 'connected';
  } catch (error) {
    return String(error);
  }
}

/** Dials, and waits for a byte, so that the session that follows the handshake has come as well. */
async function greeted(endpoint$: Endpoint): Promise<void> {
  const transport = await firstValueFrom(endpoint$);
  await RecordingSink.reading(transport).received(1);
  transport.destroy();
}

/** Each way in which an application says how certificates are verified. */
function ways(library: Library, port: number): Record<string, (tls: Partial<TLSOptions>) => Observable<unknown>> {
  const at = { host: '127.0.0.1', port };
  const url = `https://127.0.0.1:${port}/`;
  const { Agent, endpointFor, tcp, tls } = library;
  return {
    tls: options => tls({ ...at, ...options }),
    'tls over another transport': options => tls({ ...at, over: tcp(at), ...options }),
    endpointFor: options => endpointFor(new URL(url), options),
    Agent: options => new Agent({ connect: options }).get(url, { headers: { Connection: 'close' } }),
    extend: options =>
      new Agent({ connect: { ca } }).extend({ connect: options }).get(url, { headers: { Connection: 'close' } }),
  };
}

/** 500 in all, of which the first warm up what is kept for good. */
const warmUp = 150;
const handshakes = 350;
/** Bytes that one may leave in the heap; a socket that is kept has more than ten times as many. */
const perHandshake = 1_000;

export const tls: Attacks = {
  'CVE-2025-47279 (GHSA-cxrh-j4jr-qwg3): handshakes with a bad certificate leave nothing behind': async library => {
    const server = await httpsServer(echo, certificate('self-signed'));
    const agent = new library.Agent();
    const endpoint$ = library.tls({ host: '127.0.0.1', port: server.port });
    const { signal } = new AbortController();
    const url = `https://127.0.0.1:${server.port}/`;
    const dial = async (count: number): Promise<string[]> => {
      const wrong: string[] = [];
      for (let i = 0; i < count; i++) {
        const outcome = await outcomeOf(() => (i % 2 === 0 ? endpoint$ : agent.get(url, { signal })));
        if (!outcome.includes(selfSigned)) wrong.push(outcome);
      }
      await server.quiet();
      await turns();
      gc();
      await turns();
      gc();
      return wrong;
    };
    try {
      const sockets = socketResources();
      const timers = resources('Timeout');
      const findings = await dial(warmUp);
      const heap = process.memoryUsage().heapUsed;
      findings.push(...(await dial(handshakes)));
      const grown = process.memoryUsage().heapUsed - heap;
      if (grown > handshakes * perHandshake) findings.push(`${grown} bytes of heap for ${handshakes} handshakes`);
      const left = {
        // Of the heap as a whole little can be said: what else is in this process comes and goes.
        'socket objects': Math.max(0, Number(queryObjects(TLSSocket)) - warmUp),
        sockets: socketResources() - sockets,
        // Others may have come meanwhile, but not hundreds.
        timers: Math.max(0, resources('Timeout') - timers - 10),
        listeners: getEventListeners(signal, 'abort').length,
        places: agent.pool.stats().open + agent.pool.stats().pending,
      };
      for (const [what, count] of Object.entries(left)) if (count > 0) findings.push(`${count} ${what} are left`);
      return findings.slice(0, 5);
    } finally {
      await lastValueFrom(agent.close({ gracePeriod: 0 }));
      await server.close();
    }
  },

  'CVE-2021-22939: only rejectUnauthorized: false turns the verification off': async library => {
    const server = await httpsServer(echo, certificate('self-signed'));
    const findings: string[] = [];
    try {
      for (const [way, dial] of Object.entries(ways(library, server.port))) {
        const told = async (options: object): Promise<string> =>
          outcomeOf(() => dial({ sessionCache: false, ...options }));
        for (const value of [undefined, null, 0, NaN, '', 'false', [], {}]) {
          const outcome = await told({ rejectUnauthorized: value });
          if (!outcome.includes(selfSigned)) findings.push(`${way}, ${typeof value} ${shown(value)}: ${outcome}`);
        }
        // It is the certificate that all of them fail for.
        const off = await told({ rejectUnauthorized: false });
        if (off !== 'connected') findings.push(`${way}, false: ${off}`);
      }
      return findings;
    } finally {
      await server.close();
    }
  },

  'CVE-2026-48618: the name that is verified is the name that is looked up': async library => {
    const heard: string[] = [];
    const server = await tlsServer(undefined, {
      ...certificate('wildcard'),
      allowHalfOpen: false,
      SNICallback: (name, callback) => {
        heard.push(name);
        callback(null);
      },
    });
    const findings: string[] = [];
    const asked: string[] = [];
    const lookup: LookupFunction = (name, _options, callback) => {
      asked.push(name);
      callback(null, [{ address: '127.0.0.1', family: 4 }]);
    };
    const common = { port: server.port, ca, lookup, sessionCache: false };
    try {
      // Dots that only a resolver takes for dots: two labels, where the certificate is good for one.
      for (const dot of ['.', '\u3002', '\uff0e', '\uff61']) {
        const name = `foo${dot}bar.wild.test`;
        const agent = new library.Agent({ connect: { ca, lookup } });
        const names: string[] = [];
        const pinned = (of: string): undefined => void names.push(of);
        const outcomes = {
          host: await outcomeOf(() => library.tls({ ...common, host: name })),
          servername: await outcomeOf(() => library.tls({ ...common, host: '127.0.0.1', servername: name })),
          URL: await outcomeOf(() => agent.get(`https://${name}:${server.port}/`)),
        };
        for (const [way, outcome] of Object.entries(outcomes)) {
          if (!outcome.includes(otherName)) findings.push(`${way} ${shown(name)}: ${outcome}`);
        }
        await outcomeOf(() => library.tls({ ...common, host: name, checkServerIdentity: pinned }));
        if (heard.length < 4 || names.length !== 1) findings.push(`${shown(name)} was not sent`);
        for (const told of [...asked.splice(0), ...names, ...heard.splice(0)]) {
          if (told !== 'foo.bar.wild.test') findings.push(`${shown(name)} was taken for ${shown(told)}`);
        }
      }
      // What a mapping of names makes of them must not be less than was given.
      for (const name of ['\uff46oo.wild.test/x.evil.test', '\uff46oo.wild.test?evil.test', 'f\u00f6o.wild.test\n']) {
        for (const options of [{ host: name }, { host: '127.0.0.1', servername: name }]) {
          const outcome = await outcomeOf(() => library.tls({ ...common, ...options }));
          if (!outcome.startsWith('InvalidOptionError')) findings.push(`${shown(name)}: ${outcome}`);
        }
      }
      // It is the name that they failed for.
      for (const name of ['foo.wild.test', 'FOO.Wild.Test.', '\uff46oo.wild.test', 'foo\u3002wild.test']) {
        const outcome = await outcomeOf(() => library.tls({ ...common, host: name }));
        if (outcome !== 'connected') findings.push(`${shown(name)}: ${outcome}`);
      }
      return findings;
    } finally {
      await server.close();
    }
  },

  'CVE-2026-48930: a session does not vouch for another name or other CAs, nor for what was never verified':
    async library => {
      const named = await tlsServer(socket => void socket.write('!'), { allowHalfOpen: false });
      const unknown = await tlsServer(socket => void socket.write('!'), {
        ...certificate('self-signed'),
        allowHalfOpen: false,
      });
      const at = (port: number, options: object): Endpoint => library.tls({ host: '127.0.0.1', port, ca, ...options });
      try {
        await greeted(at(named.port, { servername: 'one.test' }));
        await greeted(at(unknown.port, { rejectUnauthorized: false }));
        const second = await firstValueFrom(at(named.port, { servername: 'two.test' }));
        second.destroy();
        const other = await outcomeOf(() => at(named.port, { servername: 'three.test' }));
        const pinned = await outcomeOf(() =>
          at(named.port, { servername: 'one.test', ca: certificate('self-signed').cert }),
        );
        const later = await outcomeOf(() => at(unknown.port, {}));
        return [
          // Some versions of Node look at the name once more, some do not.
          ...(second.info.resumed === false ? [] : ['another name resumed it']),
          ...(other.includes(otherName) ? [] : [`another name: ${other}`]),
          ...(pinned.includes('UNABLE_TO_VERIFY') ? [] : [`another CA: ${pinned}`]),
          ...(later.includes(selfSigned) ? [] : [`a server that was not verified: ${later}`]),
        ];
      } finally {
        await named.close();
        await unknown.close();
      }
    },
};
