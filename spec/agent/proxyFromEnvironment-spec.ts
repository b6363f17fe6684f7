import { describe, expect, it, jest } from '@jest/globals';
import { InvalidOptionError, proxyFromEnvironment } from '../../src/index.js';

type Env = Record<string, string | undefined>;

const of = (env: Env, url: string): unknown => proxyFromEnvironment(env)(new URL(url));
/** Whether `url` is excepted by that list. */
const excepted = (list: string, url: string): boolean => of({ all_proxy: 'p', no_proxy: list }, url) === null;

describe('proxyFromEnvironment', () => {
  it.each<[Env, unknown, unknown]>([
    [{}, null, null],
    [{ http_proxy: 'http://a:1' }, 'http://a:1', null],
    [{ HTTP_PROXY: 'http://a:1' }, 'http://a:1', null],
    [{ https_proxy: 'a:1' }, null, 'a:1'],
    [{ HTTPS_PROXY: 'a:1' }, null, 'a:1'],
    [{ ALL_PROXY: 'socks5h://a' }, 'socks5h://a', 'socks5h://a'],
    [{ all_proxy: 'a', http_proxy: 'b' }, 'b', 'a'],
    // The lower-case one wins, also if it says that there is none.
    [{ http_proxy: 'a', HTTP_PROXY: 'b', https_proxy: 'c', HTTPS_PROXY: 'd' }, 'a', 'c'],
    [{ http_proxy: '', HTTP_PROXY: 'b', ALL_PROXY: 'c' }, null, 'c'],
    [{ all_proxy: ' ', ALL_PROXY: 'c' }, null, null],
    [{ http_proxy: '  a  ', no_proxy: '' }, 'a', null],
    // A client of a CGI program sets HTTP_PROXY by the header Proxy.
    [{ HTTP_PROXY: 'evil', REQUEST_METHOD: 'GET' }, null, null],
    [{ HTTP_PROXY: 'evil', ALL_PROXY: 'a', REQUEST_METHOD: '' }, 'a', 'a'],
    [{ http_proxy: 'a', HTTPS_PROXY: 'b', REQUEST_METHOD: 'GET' }, 'a', 'b'],
    [{ Http_Proxy: 'evil', HTTPs_proxy: 'evil' }, null, null],
  ])('%j', (env, plain, secure) => {
    expect(of(env, 'http://example.test/')).toBe(plain);
    expect(of(env, 'https://example.test/')).toBe(secure);
  });

  it('reads the environment of the process, once', () => {
    const env: Env = { http_proxy: 'http://a:1' };
    jest.replaceProperty(process, 'env', env);
    const select = proxyFromEnvironment();
    env['http_proxy'] = 'http://evil:1';
    jest.restoreAllMocks();
    expect(select(new URL('http://example.test/'))).toBe('http://a:1');
  });

  it('takes no variable from a prototype', () => {
    expect(of(Object.create({ http_proxy: 'evil' }) as Env, 'http://a.test/')).toBe(null);
    const polluted = Object.prototype as Env;
    polluted['http_proxy'] = polluted['no_proxy'] = '*';
    try {
      expect(of({}, 'http://a.test/')).toBe(null);
      expect(of({ HTTP_PROXY: 'a' }, 'http://a.test/')).toBe('a');
    } finally {
      delete polluted['http_proxy'];
      delete polluted['no_proxy'];
    }
  });

  it.each([
    ['HTTP_PROXY', 'ftp://alice:hunter2@a'],
    ['https_proxy', 'http://'],
    ['ALL_PROXY', 'http://alice:hunter2@a b'],
  ])('says which variable is wrong: %s=%s', (name, value) => {
    let error: unknown;
    try {
      proxyFromEnvironment({ [name]: value });
    } catch (thrown) {
      error = thrown;
    }
    expect(error).toBeInstanceOf(InvalidOptionError);
    expect((error as Error).message).toContain(name);
    expect((error as Error).message).not.toMatch(/alice|hunter2/);
  });
});

describe('no_proxy', () => {
  it.each<[string, string, boolean]>([
    ['', 'http://a.test/', false],
    ['*', 'http://a.test/', true],
    ['a.test', 'http://a.test/', true],
    ['a.test', 'http://b.a.test/', true],
    ['a.test', 'http://ba.test/', false],
    ['a.test', 'http://a.test.evil/', false],
    ['.a.test', 'http://a.test/', true],
    ['.a.test', 'http://b.a.test/', true],
    ['*.a.test', 'http://b.a.test/', true],
    ['.a.test', 'http://ba.test/', false],
    ['A.TEST', 'http://a.test/', true],
    ['a.test', 'http://A.Test./', true],
    ['a.test.', 'http://a.test/', true],
    ['bücher.test', 'http://xn--bcher-kva.test/', true],
    ['xn--bcher-kva.test', 'http://BÜCHER.test/', true],
    [' b.test ,, a.test', 'http://a.test/', true],
    ['b.test\ta.test', 'http://a.test/', true],
    ['a.test:81', 'http://a.test/', false],
    ['a.test:80', 'http://a.test/', true],
    ['a.test:080', 'http://a.test/', true],
    ['a.test:443', 'https://a.test/', true],
    ['a.test:8080', 'http://b.a.test:8080/', true],
    ['*:8080', 'http://b.a.test:8080/', true],
    ['*:8080', 'http://b.a.test/', false],
    // One address, however it is written.
    ['192.0.2.1', 'http://192.0.2.1/', true],
    ['192.0.2.1', 'http://3221225985/', true],
    ['192.0.2.1', 'http://0xc0.0.2.1/', true],
    ['192.0.2.1', 'http://192.0.513/', true],
    ['192.0.2.1', 'http://192.0.2.1./', true],
    ['192.0.2.1', 'http://[::ffff:192.0.2.1]/', true],
    ['::ffff:192.0.2.1', 'http://192.0.2.1/', true],
    ['[::ffff:c000:201]', 'http://192.0.2.1/', true],
    ['0xc0000201', 'http://192.0.2.1/', true],
    ['192.0.2.1', 'http://192.0.2.10/', false],
    ['192.0.2.1', 'http://1.192.0.2.1.test/', false],
    ['2.1', 'http://192.0.2.1/', false],
    ['2001:db8::1', 'http://[2001:DB8:0:0::1]/', true],
    ['[2001:db8::1]', 'http://[2001:db8::1]:8080/', true],
    ['[2001:db8::1]:8080', 'http://[2001:db8::1]:8080/', true],
    ['[2001:db8::1]:8080', 'http://[2001:db8::1]/', false],
    ['2001:db8::1', 'http://[2001:db8::2]/', false],
    // Ranges.
    ['192.0.2.0/24', 'http://192.0.2.77/', true],
    ['192.0.2.9/24', 'http://192.0.2.77/', true],
    ['192.0.2.0/24', 'http://192.0.3.77/', false],
    ['192.0.2.0/24', 'http://[::ffff:192.0.2.77]/', true],
    ['192.0.2.0/24:81', 'http://192.0.2.77:81/', true],
    ['192.0.2.0/24:81', 'http://192.0.2.77/', false],
    ['192.0.2.0/24', 'http://192.0.2.test/', false],
    ['0.0.0.0/0', 'http://192.0.2.77/', true],
    ['0.0.0.0/0', 'http://a.test/', false],
    ['fd00::/8', 'http://[fd12::1]/', true],
    ['[fd00::]/8', 'http://[fd12::1]/', true],
    ['fd00::/8', 'http://[fe12::1]/', false],
    ['192.0.2.0/33', 'http://192.0.2.1/', false],
    ['a.test/8', 'http://a.test/', false],
    // Any loopback stands for all of them.
    ['localhost', 'http://localhost/', true],
    ['localhost', 'http://LOCALHOST./', true],
    ['localhost', 'http://a.localhost/', true],
    ['localhost', 'http://127.0.0.1/', true],
    ['localhost', 'http://127.1/', true],
    ['localhost', 'http://127.9.9.9/', true],
    ['localhost', 'http://[::1]/', true],
    ['localhost', 'http://[::ffff:127.0.0.1]/', true],
    ['127.0.0.1', 'http://localhost/', true],
    ['127.0.0.1', 'http://[::1]/', true],
    ['::1', 'http://2130706433/', true],
    ['[::1]', 'http://127.0.0.2/', true],
    ['localhost:80', 'http://127.0.0.1:81/', false],
    ['localhost', 'http://127.0.0.1.test/', false],
    ['localhost', 'http://notlocalhost/', false],
    ['localhost', 'http://128.0.0.1/', false],
    // What makes no sense excepts nothing.
    ['.', 'http://a.test/', false],
    ['[', 'http://a.test/', false],
    ['http://a.test', 'http://a.test/', false],
    [':80', 'http://a.test/', false],
    ['a b', 'http://a.test/', false],
    ['/', 'http://a.test/', false],
  ])('%j, %s: %s', (list, url, yes) => {
    expect(excepted(list, url)).toBe(yes);
    expect(of({ ALL_PROXY: 'p', NO_PROXY: list }, url)).toBe(yes ? null : 'p');
  });

  it('is NO_PROXY if the lower-case one is not there, an empty one is', () => {
    const url = 'http://a.test/';
    expect(of({ all_proxy: 'p', NO_PROXY: '*' }, url)).toBe(null);
    expect(of({ all_proxy: 'p', NO_PROXY: '*', no_proxy: '' }, url)).toBe('p');
    expect(of({ all_proxy: 'p', NO_PROXY: 'b.test', no_proxy: 'a.test' }, url)).toBe(null);
  });

  it('takes no time with a long list', () => {
    const list = Array.from({ length: 2_000 }, (_, i) => `h${i}.test`).join();
    const started = performance.now();
    expect(excepted(`${list},${'['.repeat(10_000)},${':'.repeat(10_000)}`, 'http://a.test/')).toBe(false);
    expect(performance.now() - started).toBeLessThan(1_000);
  });
});
