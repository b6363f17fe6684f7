import { Observable } from 'rxjs';
import { CookieJar } from 'tough-cookie';
import type { AgentOptions, HTTPRequestInit } from '../../src/index.js';
import { answer, chunk, chunkedHead, FakeTransport, microtasks, record, type SeenRequest } from '../support/index.js';
import { shown, stageOf, type Attacks, type Library } from './attack.js';

/** A request as the server of an origin sees it. */
interface Asked extends SeenRequest {
  readonly origin: string;
}

/** Sends a request to servers that answer by `answers`, each origin one of its own, and lists what they were asked. */
async function chase(
  library: Library,
  answers: (asked: Asked) => string,
  init: HTTPRequestInit,
  options: AgentOptions = {},
): Promise<{ readonly asked: Asked[]; readonly code: string | undefined }> {
  const asked: Asked[] = [];
  const endpoint: AgentOptions['endpoint'] = request =>
    new Observable(subscriber => {
      const { origin, host } = new URL(request.url);
      const transport = new FakeTransport({ authority: host });
      let known = 0;
      transport.onWrite = () =>
        queueMicrotask(() => {
          for (const one of transport.requests.slice(known)) {
            known++;
            asked.push({ ...one, origin });
            transport.respond(answers({ ...one, origin }));
          }
        });
      subscriber.next(transport);
      subscriber.complete();
    });
  const { agent } = stageOf(library, { interceptors: [library.followRedirects()], ...options, endpoint });
  const seen = record(agent.request(init).pipe(library.text()));
  for (let i = 0; i < 10; i++) await microtasks();
  return { asked, code: (seen.error as { code?: string } | undefined)?.code };
}

const sentOn = (location: string, status = '302 Found'): string =>
  answer('', { status, headers: [`Location: ${location}`] });

const home = 'http://example.test';
/** Where a redirect may lead that is not where the credentials belong. */
const elsewhere = [
  'http://evil.test/',
  'http://www.example.test/',
  'http://example.test.evil.test/',
  'http://example.test:81/',
  'https://example.test/',
  'http://example.test./',
  'http://example.test@evil.test/',
  '//evil.test/',
];

/** What of these headers is seen elsewhere, on the first hop or after the way back. */
async function leaked(library: Library, headers: HTTPRequestInit['headers'], ...names: string[]): Promise<string[]> {
  const findings: string[] = [];
  for (const location of elsewhere) {
    for (const status of ['301 Moved', '302 Found', '303 Other', '307 Temporary', '308 Permanent']) {
      const answers = ({ origin, path }: Asked): string =>
        path === '/back' ? answer('') : sentOn(origin === home ? location : `${home}/back`, status);
      const options = { interceptors: [library.followRedirects({ allowDowngrade: true })] };
      const { asked } = await chase(library, answers, { url: `${home}/a`, headers }, options);
      const [first, ...others] = asked;
      if (!names.every(name => first.headers.some(([given]) => given === name))) findings.push(`nothing to leak`);
      if (asked.length !== 3) findings.push(`${location}: ${asked.length} requests`);
      for (const { origin, headers: seen } of others) {
        const bad = seen.filter(([name, value]) => names.includes(name) && value !== new URL(origin).host);
        if (bad.length > 0) findings.push(`${status} ${location}: ${origin} saw ${bad.join(' ')}`);
      }
    }
  }
  return findings;
}

export const redirects: Attacks = {
  'CVE-2022-31151, CVE-2023-45143 (GHSA-wqq4-5wpv-mx2g), CVE-2022-0155, CVE-2022-0536, CVE-2022-0235: Cookie, Authorization, Host':
    library =>
      leaked(
        library,
        { Cookie: 'sid=SECRET', AUTHORIZATION: 'Bearer SECRET', Host: 'virtual.test' },
        ...['cookie', 'authorization', 'host'],
      ),

  'CVE-2026-40895 (GHSA-r4q5-vmmm-2653): credentials of any name, in any form of headers': async library => {
    const names = ['X-API-Key', 'x-auth-token', 'X-Amz-Security-Token', 'PRIVATE-TOKEN', 'X-Made-Up', 'Referer'];
    const forms: HTTPRequestInit['headers'][] = [
      Object.fromEntries(names.map(name => [name, 'SECRET'])),
      names.map(name => [name, 'SECRET'] as const),
      new Map(names.map(name => [name, 'SECRET'])),
      new Headers(names.map(name => [name, 'SECRET'] as [string, string])),
    ];
    const findings = await Promise.all(
      forms.map(headers => leaked(library, headers, ...names.map(name => name.toLowerCase()))),
    );
    return findings.flat();
  },

  'CVE-2022-0155: credentials of the URL, and those of interceptors in every order': async library => {
    const findings: string[] = [];
    const { followRedirects, basicAuth, bearerAuth, cookies } = library;
    const jar = new CookieJar();
    jar.setCookieSync('sid=SECRET', home);
    const interceptors = [basicAuth('u', 'SECRET', { origins: home }), bearerAuth('SECRET', { origins: home })];
    const lists = [[], ...interceptors.map(one => [one]), [cookies(jar)]].flatMap(list => [
      [...list, followRedirects()],
      [followRedirects(), ...list],
    ]);
    for (const list of lists) {
      for (const options of [{}, { timeouts: { total: 10_000 } }]) {
        const url = list.length === 1 ? 'http://u:SECRET@example.test/a' : `${home}/a`;
        const answers = ({ origin }: Asked): string => (origin === home ? sentOn('http://evil.test/') : answer(''));
        const { asked } = await chase(library, answers, { url, ...options }, { interceptors: list });
        const credentials = asked.map(({ headers }) =>
          headers.some(([name]) => name === 'authorization' || name === 'cookie'),
        );
        if (credentials.join() !== 'true,false') findings.push(`${list.length}: ${credentials.join()}`);
      }
    }
    return findings;
  },

  'CVE-2022-33987 (GHSA-pfrx-2q88-qq97), CVE-2025-58754: a redirect to a UNIX socket, a file, or anything but http':
    async library => {
      const findings: string[] = [];
      const bad = ['unix:/var/run/docker.sock:/x', 'http+unix://%2Fvar%2Frun%2Fx/', 'file:///etc/passwd', 'ftp://x/'];
      for (const location of [
        ...bad,
        'data:text/plain,x',
        'javascript:1',
        'ws://x/',
        'blob:http://x/y',
        'gopher://x',
      ]) {
        const { asked, code } = await chase(library, () => sentOn(location), { url: `${home}/a` });
        if (code !== 'ERR_REDIRECT' || asked.length !== 1) findings.push(`${location}: ${code}, ${asked.length}`);
      }
      return findings;
    },

  'CVE-2022-0536: from https to http': async library => {
    const { asked, code } = await chase(library, () => sentOn(`${home}/`), { url: 'https://example.test/a' });
    return code === 'ERR_REDIRECT' && asked.length === 1 ? [] : [`${code}, ${asked.length} requests`];
  },

  'CVE-2023-26159: one reading of a Location: what it leads to is what is asked, and is judged': async library => {
    const findings: string[] = [];
    const locations = [
      '\\\\evil.test/',
      '/\\evil.test/',
      '///evil.test/',
      'http:\\\\evil.test',
      'HTTP://EVIL.TEST:80/x',
    ];
    for (const location of [...locations, 'http:////evil.test', '\\/evil.test', '//example.test@evil.test/']) {
      const answers = ({ origin }: Asked): string => (origin === home ? sentOn(location) : answer(''));
      const init = { url: `${home}/a`, headers: { Authorization: 'SECRET' } };
      const { asked } = await chase(library, answers, init);
      const there = asked[1];
      const host = there?.headers.find(([name]) => name === 'host')?.[1];
      if (there?.origin !== 'http://evil.test' || host !== 'evil.test') findings.push(`${shown(location)} ${host}`);
      if (there?.headers.some(([, value]) => value === 'SECRET') !== false) findings.push(`${location} has it`);
    }
    for (const location of ['http://', 'http://a b/', 'http://%00/', 'http://[::1', 'http://evil.test:x/']) {
      const { asked, code } = await chase(library, () => sentOn(location), { url: `${home}/a` });
      if (code !== 'ERR_REDIRECT' || asked.length !== 1) findings.push(`${location}: ${code}`);
    }
    return findings;
  },

  'CVE-2020-15168: limits on the body and on redirects hold at the end of a chain': async library => {
    const findings: string[] = [];
    const { followRedirects, limitBody } = library;
    const long = chunkedHead + chunk('x'.repeat(2_000)) + chunk('');
    for (const interceptors of [
      [followRedirects(), limitBody(1_000)],
      [limitBody(1_000), followRedirects()],
    ]) {
      for (const bytes of [long, answer('x'.repeat(2_000))]) {
        const answers = ({ path }: Asked): string => (path === '/a' ? sentOn('/b') : bytes);
        const { code } = await chase(library, answers, { url: `${home}/a` }, { interceptors });
        if (code !== 'ERR_BODY_TOO_LARGE') findings.push(String(code));
      }
    }
    const { asked, code } = await chase(library, () => sentOn('/a'), { url: `${home}/a` });
    if (code !== 'ERR_TOO_MANY_REDIRECTS' || asked.length !== 21) findings.push(`${asked.length} requests, ${code}`);
    return findings;
  },

  'GHSA-g8m3-5g58-fq7m, GHSA-v3r7-h72x-cjcm: cookies that hold more than a cookie': async library => {
    const findings: string[] = [];
    const values = ['a=1\r\nX-Evil: 1', 'b=2; c=\u010a', 'd=\0', 'e=\x7f', 'ok=1'];
    const jar = { getCookieString: () => values.join('; '), setCookie: (...given: unknown[]) => stored.push(given[0]) };
    const stored: unknown[] = [];
    const raw = 'f=%0d%0aX-Evil: 1; SameSite=NotStrict; Domain=evil.test';
    const answers = (): string => answer('', { headers: [`Set-Cookie: ${raw}`, 'Set-Cookie: g=1, h=2'] });
    const options = { interceptors: [library.cookies(jar)] };
    const { asked, code } = await chase(library, answers, { url: `${home}/a` }, options);
    if (code !== undefined) findings.push(`a cookie failed the request: ${code}`);
    for (const { headers } of asked) {
      if (headers.some(([name]) => name === 'x-evil')) findings.push('a header was put in');
      if (headers.find(([name]) => name === 'cookie')?.[1] !== 'b=2; ok=1') findings.push(shown(headers.join(' ')));
    }
    // As they came: nothing is decoded, none is joined to another.
    if (stored.join('|') !== `${raw}|g=1, h=2`) findings.push(shown(stored.join('|')));
    return findings;
  },
};
