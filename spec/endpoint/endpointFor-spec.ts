import { afterEach, describe, expect, it } from '@jest/globals';
import { firstValueFrom } from 'rxjs';
import { endpointFor, type TLSOptions } from '../../src/endpoint/index.js';
import { InvalidOptionError } from '../../src/errors/index.js';
import { ca, failure, httpServer, httpsServer, type Loopback, rawServer, RecordingSink } from '../loopback/index.js';

describe('endpointFor', () => {
  let server: Loopback;

  afterEach(() => server.close());

  it('dials http: by TCP', async () => {
    server = await httpServer((_request, response) => response.end('hello'));
    const transport = await firstValueFrom(endpointFor(new URL(`http://user:secret@127.0.0.1:${server.port}/path`)));
    expect(transport.info).toMatchObject({ authority: `127.0.0.1:${server.port}`, secure: false });
    const sink = RecordingSink.reading(transport);
    transport.write('GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
    await sink.ended();
    expect(sink.text).toMatch(/^HTTP\/1.1 200 OK\r\n[^]*hello/);
    transport.destroy();
  });

  it('dials https: by TLS, with the options given', async () => {
    server = await httpsServer((_request, response) => response.end('hello'));
    const url = new URL(`https://LOCALHOST:${server.port}/`);
    const transport = await firstValueFrom(endpointFor(url, { ca, family: 4 }));
    expect(transport.info).toMatchObject({ authority: `localhost:${server.port}`, secure: true, authorized: true });
    const sink = RecordingSink.reading(transport);
    transport.write('GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
    await sink.ended();
    expect(sink.text).toContain('hello');
    transport.destroy();
  });

  it('dials an IPv6 address without its brackets', async () => {
    server = await rawServer(undefined, { host: '::1' });
    const transport = await firstValueFrom(endpointFor(new URL(`http://[::1]:${server.port}`)));
    expect(transport.info).toMatchObject({ authority: `[::1]:${server.port}`, remoteAddress: '::1' });
    transport.destroy();
  });

  it('knows the default ports, which the authority leaves out', async () => {
    server = await rawServer();
    const refuse = (): never => {
      throw new Error('refused');
    };
    const options = { lookup: refuse };
    expect((await failure(endpointFor(new URL('http://a.test'), options))).message).toContain('connect to a.test: ');
    expect((await failure(endpointFor(new URL('https://a.test'), options))).message).toContain('connect to a.test: ');
    expect((await failure(endpointFor(new URL('http://a.test:443'), options))).message).toContain('to a.test:443: ');
    expect((await failure(endpointFor(new URL('https://a.test:80'), options))).message).toContain('to a.test:80: ');
  });

  it.each(['ftp://a.test/', 'file:///etc/passwd', 'unix:/run/x', 'data:,x', 'ws://a.test', 'http://a.test:0/'])(
    'errors with ConnectError for %s',
    async url => {
      server = await rawServer();
      await failure(endpointFor(new URL(url)));
    },
  );

  it('lets no option change the host or port, and refuses bad ones', async () => {
    server = await rawServer();
    const url = new URL(`http://127.0.0.1:${server.port}`);
    const sneaky: object = { host: 'elsewhere.test', port: 1 };
    const transport = await firstValueFrom(endpointFor(url, sneaky as TLSOptions));
    expect(transport.info.remotePort).toBe(server.port);
    transport.destroy();
    expect(() => endpointFor(url, { connectTimeout: -1 })).toThrow(InvalidOptionError);
  });
});
