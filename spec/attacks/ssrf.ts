import { lastValueFrom } from 'rxjs';
import { httpServer, rawServer } from '../loopback/index.js';
import { shown, stageOf, type Attacks } from './attack.js';

async function errorOf(work: () => Promise<unknown>): Promise<{ readonly code?: string; readonly message?: string }> {
  try {
    await work();
    return {};
  } catch (error) {
    return error as Error;
  }
}

/** Ways to write the host of a server that is not the one that is asked. */
const elsewhere = [
  '//evil.test/',
  'http://evil.test/',
  '\\\\evil.test',
  '/\\evil.test',
  'evil.test',
  '@evil.test/',
  '',
];

export const ssrf: Attacks = {
  'CVE-2022-35949 (GHSA-8qr4-xgw6-wmr3): a path of a lease leads nowhere else': library => {
    const findings: string[] = [];
    for (const path of [...elsewhere, '*', 'evil.test:80']) {
      const { agent, transports } = stageOf(library);
      agent.get('http://example.test/').subscribe();
      transports[0].respond('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n');
      const before = transports[0].written.length;
      const lease$ = agent.pool.use('http://example.test:80', undefined as never, lease => lease.request({ path }));
      lease$.subscribe({ error: () => undefined });
      const written = transports[0].written.slice(before);
      // What begins with a slash is a path, of this server.
      if (transports.length > 1) findings.push(`${shown(path)} made a connection`);
      if (written !== '' && !/^GET \/[^\r]* HTTP\/1.1\r\nHost: example.test\r\n/.test(written)) findings.push(written);
    }
    return findings;
  },

  'CVE-2025-58754, CVE-2022-33987 (GHSA-pfrx-2q88-qq97): only http and https': async library => {
    const findings: string[] = [];
    const urls = ['data:text/plain,x', 'file:///etc/passwd', 'unix:/var/run/docker.sock', 'http+unix://x/', 'ftp://x/'];
    for (const url of [...urls, 'javascript:1', 'blob:http://x/', 'ws://x/', 'about:blank', 'gopher://x']) {
      const { send, transports } = stageOf(library);
      const { code } = (send({ url }).error ?? {}) as { code?: string };
      if (code !== 'ERR_INVALID_REQUEST' || transports.length > 0) findings.push(url);
    }
    return Promise.resolve(findings);
  },

  'CVE-2023-26159, CVE-2026-48928, CVE-2026-48934: one parser of URLs, one spelling of a host, no NUL': library => {
    const { agent } = stageOf(library);
    const keys = new Set<string>();
    agent.pool.events.subscribe(({ key }) => keys.add(key));
    const spellings = ['127.0.0.1', '0x7f.1', '2130706433', '127.1', '0177.0.0.1', '１２７.０.０.１', '127.0.0.1.'];
    for (const host of spellings) agent.get(`http://${host}/`).subscribe({ error: () => undefined });
    const findings = keys.size === 1 ? [] : [`the keys ${[...keys].join(' ')}`];
    const none = ['a\0b', 'a%00b', 'a b', 'a/b', 'a\\b', 'a#b', 'a?b', 'u@h', '[::1', '::1]', 'a\r\nb', ''];
    // A name in Unicode goes through a parser of its own.
    for (const host of [...none, ...none.map(text => `ä${text}ä`).slice(0, -1)]) {
      for (const make of [library.tcp, library.tls]) {
        try {
          make({ host, port: 80 });
          findings.push(`the host ${shown(host)}`);
        } catch (error) {
          if (!(error instanceof library.InvalidOptionError)) findings.push(String(error));
        }
      }
    }
    return findings;
  },

  'CVE-2025-62718 (GHSA-3p68-rc4w-qgx5), CVE-2026-44492: no proxy is taken from the environment': async library => {
    const proxy = await rawServer(socket => socket.end());
    const server = await httpServer((_request, response) => response.end());
    const names = ['HTTP_PROXY', 'HTTPS_PROXY', 'ALL_PROXY', 'NODE_USE_ENV_PROXY', 'NO_PROXY'];
    const variables = names.flatMap(name => [name, name.toLowerCase()]);
    const before = variables.map(name => process.env[name]);
    const agent = new library.Agent();
    try {
      for (const name of variables) process.env[name] = `http://127.0.0.1:${proxy.port}`;
      const error = await errorOf(() => lastValueFrom(agent.get(`http://127.0.0.1:${server.port}/`)));
      const findings = error.code === undefined ? [] : [`the request failed: ${error.message}`];
      return proxy.connections === 0 ? findings : [...findings, 'the proxy was asked'];
    } finally {
      variables.forEach((name, i) => {
        if (before[i] === undefined) delete process.env[name];
        else process.env[name] = before[i];
      });
      await lastValueFrom(agent.close({ gracePeriod: 0 }));
      await server.close();
      await proxy.close();
    }
  },
};
