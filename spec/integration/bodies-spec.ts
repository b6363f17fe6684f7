import { Readable } from 'node:stream';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { from, lastValueFrom, of } from 'rxjs';
import { Agent, type AgentBody, bytes, isHTTPClientError, type RequestOptions, text } from 'rxjs-http-pool';
import { httpServer, type Loopback } from '../loopback/index.js';
import { checksum, content } from '../loopback/programs/content.js';

describe('the bodies of an agent', () => {
  let server: Loopback;
  let url: string;
  let agent: Agent;

  beforeAll(async () => {
    // Sends back what it got, and how: as what, and in which framing.
    server = await httpServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        const { 'content-type': type, 'content-length': length, 'transfer-encoding': coding } = request.headers;
        response.setHeader('x-type', type ?? 'none');
        response.setHeader('x-framing', coding ?? length ?? 'none');
        response.end(Buffer.concat(chunks));
      });
    });
    url = `http://${server.host}:${server.port}/`;
    agent = new Agent();
  });

  afterAll(async () => {
    await lastValueFrom(agent.close({ gracePeriod: 0 }));
    await server.close();
  });

  interface Echo {
    readonly type: string | null;
    readonly framing: string | null;
    readonly body: Buffer;
  }

  async function echo(options: RequestOptions): Promise<Echo> {
    const response = await lastValueFrom(agent.request({ method: 'POST', url, ...options }));
    return {
      type: response.headers.get('x-type'),
      framing: response.headers.get('x-framing'),
      body: Buffer.from(await lastValueFrom(response.bytes())),
    };
  }

  const binary = content(7, 100_000);
  const halves = [binary.subarray(0, 33_333), binary.subarray(33_333)];
  const bytesOf = (view: Uint8Array): ArrayBuffer => new Uint8Array(view).buffer;
  const words = 'grüße, \u0000 and 😀\r\n';
  const plain = 'text/plain;charset=UTF-8';
  const fields = 'application/x-www-form-urlencoded;charset=UTF-8';

  async function* generate(): AsyncGenerator<Uint8Array | string> {
    for (const half of halves) {
      await Promise.resolve();
      yield half;
    }
    yield '';
    yield new Uint8Array();
  }

  const cases: Record<
    string,
    readonly [make: () => RequestOptions, expected: Uint8Array | string, type: string, framing?: string]
  > = {
    'a string': [() => ({ body: words }), words, plain],
    'an empty string': [() => ({ body: '' }), '', plain, '0'],
    'json, an object': [() => ({ json: { a: [1, 'ü', null] } }), '{"a":[1,"ü",null]}', 'application/json'],
    'json, null': [() => ({ json: null }), 'null', 'application/json'],
    'json, false': [() => ({ json: false }), 'false', 'application/json'],
    'a form, an object': [() => ({ form: { a: 'x y&=', b: 1, ü: true } }), 'a=x+y%26%3D&b=1&%C3%BC=true', fields],
    'a form, URLSearchParams': [() => ({ form: new URLSearchParams('a=1&a=2') }), 'a=1&a=2', fields],
    'a body of URLSearchParams': [() => ({ body: new URLSearchParams([['a', '\r\n']]) }), 'a=%0D%0A', fields],
    'a Uint8Array': [() => ({ body: new Uint8Array(binary) }), binary, 'none'],
    'a Buffer': [() => ({ body: binary }), binary, 'none'],
    'a part of a buffer': [() => ({ body: binary.subarray(10, 20) }), binary.subarray(10, 20), 'none', '10'],
    'an ArrayBuffer': [() => ({ body: bytesOf(binary) }), binary, 'none'],
    'an empty ArrayBuffer': [() => ({ body: new ArrayBuffer(0) }), '', 'none', '0'],
    'a DataView': [() => ({ body: new DataView(bytesOf(binary), 5, 95) }), binary.subarray(5, 100), 'none', '95'],
    'a Uint16Array': [() => ({ body: new Uint16Array(bytesOf(binary), 2, 3) }), binary.subarray(2, 8), 'none', '6'],
    'a Blob with a type': [() => ({ body: new Blob(halves, { type: 'image/x' }) }), binary, 'image/x'],
    'a Blob without a type': [() => ({ body: new Blob(halves) }), binary, 'none'],
    'an empty Blob': [() => ({ body: new Blob([]) }), '', 'none', '0'],
    'a part of a Blob': [() => ({ body: new Blob([binary]).slice(9, 99, 'a/b') }), binary.subarray(9, 99), 'a/b', '90'],
    'a Readable': [() => ({ body: Readable.from(halves) }), binary, 'none', 'chunked'],
    'an empty Readable': [() => ({ body: Readable.from([]) }), '', 'none', 'chunked'],
    'an async generator': [() => ({ body: generate() }), binary, 'none', 'chunked'],
    'an Observable': [() => ({ body: from(halves) }), binary, 'none', 'chunked'],
    'an Observable of strings': [() => ({ body: of('grü', '', 'ße') }), 'grüße', 'none', 'chunked'],
    'a function of a string': [() => ({ body: () => words }), words, 'none'],
    'a function of an async generator': [() => ({ body: generate }), binary, 'none', 'chunked'],
    'a function of an Observable': [() => ({ body: () => from(halves) }), binary, 'none', 'chunked'],
    'a function of a Readable': [() => ({ body: () => Readable.from(halves) }), binary, 'none', 'chunked'],
    'a Readable of a known length': [
      () => ({ body: Readable.from(halves), headers: { 'Content-Length': '100000' } }),
      binary,
      'none',
    ],
  };

  for (const [name, [make, expected, type, framing]] of Object.entries(cases)) {
    it(`sends ${name}, byte for byte`, async () => {
      const wanted = Buffer.from(expected as string);
      const seen = await echo(make());
      expect(seen).toMatchObject({ type, framing: framing ?? String(wanted.length) });
      expect(seen.body.length).toBe(wanted.length);
      expect(checksum(seen.body)).toBe(checksum(wanted));
    });
  }

  it('sends all of them over one connection', () => expect(server.connections).toBe(1));

  it('leaves the type to the caller', async () => {
    expect(await echo({ json: {}, headers: { 'content-TYPE': 'application/x' } })).toMatchObject({
      type: 'application/x',
    });
    expect(await echo({ body: new FormData(), headers: { 'Content-Type': 'a/b' } })).toMatchObject({ type: 'a/b' });
  });

  it('takes a body as the second argument', async () => {
    expect(await lastValueFrom(agent.post(url, 'a').pipe(text()))).toBe('a');
    expect(await lastValueFrom(agent.put(url, Buffer.from('b')).pipe(text()))).toBe('b');
    expect(await lastValueFrom(agent.patch(url, new Blob(['c'])).pipe(text()))).toBe('c');
    expect(await lastValueFrom(agent.post(url, null).pipe(text()))).toBe('');
    expect(await lastValueFrom(agent.post(url).pipe(text()))).toBe('');
    expect(await lastValueFrom(agent.post(url, undefined, { json: 1 }).pipe(text()))).toBe('1');
  });

  it.each<[string, RequestOptions]>([
    ['body and json', { body: 'x', json: {} }],
    ['json and form', { json: {}, form: {} }],
    ['a circle as json', { json: circle() }],
    ['a function as json', { json: () => 1 }],
    ['a BigInt as json', { json: 1n }],
    ['a number', { body: 1 as unknown as AgentBody }],
    ['an object', { body: {} as AgentBody }],
    ['a Promise', { body: Promise.resolve('x') as unknown as AgentBody }],
  ])('refuses %s, as an error notification', async (_, options) => {
    const { connections } = server;
    const request$ = agent.post(url, undefined, options);
    const error: unknown = await lastValueFrom(request$).catch((reason: unknown) => reason);
    expect(isHTTPClientError(error, 'ERR_INVALID_REQUEST')).toBe(true);
    expect(server.connections).toBe(connections);
  });

  function circle(): object {
    const object: { self?: object } = {};
    object.self = object;
    return object;
  }

  it('sends a one-shot body once, and a replayable one again', async () => {
    const once$ = agent.post(url, Readable.from(['x']));
    expect(await lastValueFrom(once$.pipe(text()))).toBe('x');
    const error: unknown = await lastValueFrom(once$).catch((reason: unknown) => reason);
    expect(isHTTPClientError(error, 'ERR_BODY_NOT_REPLAYABLE')).toBe(true);
    const again: AgentBody[] = ['x', Buffer.from('x'), new Blob(['x']), () => Readable.from(['x'])];
    for (const body of again) {
      const twice$ = agent.post(url, body);
      for (let i = 0; i < 2; i++) expect(await lastValueFrom(twice$.pipe(text()))).toBe('x');
    }
    const form = new FormData();
    form.append('a', new Blob(['b']));
    const form$ = agent.post(url, form);
    const first = await lastValueFrom(form$.pipe(bytes()));
    expect(first.length).toBeGreaterThan(100);
    // The boundary is of the request: subscribed to again, it is another request.
    expect((await lastValueFrom(form$.pipe(bytes()))).length).toBe(first.length);
  });

  describe('of multipart forms', () => {
    interface Part {
      readonly name: string;
      readonly filename: string | undefined;
      readonly type: string | undefined;
      readonly body: string;
    }

    /** A parser that believes nothing it is not told: RFC 7578 and RFC 2046 by the letter, of all that was sent. */
    function parse({ type, body }: Echo): Part[] {
      const boundary = /^multipart\/form-data; boundary=([\w'()+,./:=?-]{1,70})$/.exec(type!)![1];
      const all = body.toString('latin1');
      const delimiter = `--${boundary}`;
      const pieces = `\r\n${all}`.split(`\r\n${delimiter}`);
      if (pieces[0] !== '') throw new Error('A preamble');
      if (pieces.at(-1) !== '--\r\n') throw new Error(`The end is ${JSON.stringify(pieces.at(-1))}`);
      return pieces.slice(1, -1).map(piece => {
        if (!piece.startsWith('\r\n')) throw new Error('A delimiter that goes on');
        const end = piece.indexOf('\r\n\r\n');
        const lines = piece.slice(2, end).split('\r\n');
        const fields = new Map(
          lines.map(line => [/^[\w-]+(?=: )/.exec(line)![0].toLowerCase(), line.replace(/^.*?: /, '')]),
        );
        if (fields.size !== lines.length) throw new Error('A field twice');
        for (const name of fields.keys()) {
          if (name !== 'content-disposition' && name !== 'content-type') throw new Error(`Smuggled: ${name}`);
        }
        const disposition = fields.get('content-disposition')!;
        const match = /^form-data; name="([^"\r\n]*)"(?:; filename="([^"\r\n]*)")?$/.exec(disposition);
        if (match === null) throw new Error(`Not well-formed: ${disposition}`);
        const utf8 = (latin1: string): string => Buffer.from(latin1, 'latin1').toString();
        return {
          name: utf8(match[1]),
          filename: match[2] === undefined ? undefined : utf8(match[2]),
          type: fields.get('content-type'),
          body: piece.slice(end + 4),
        };
      });
    }

    it('are read by an independent parser', async () => {
      const form = new FormData();
      form.append('plain', 'värde');
      form.append('plain', 'again');
      form.append('lines', 'a\nb\rc\r\nd');
      form.append('empty', '');
      form.append('file', new Blob([binary], { type: 'image/png' }), 'bild å.png');
      form.append('untyped', new Blob(['x']), 'x.bin');
      form.append('blob', new Blob([]));
      form.append('', 'no name');
      const parts = parse(await echo({ body: form }));
      const latin1 = (utf8: string): string => Buffer.from(utf8).toString('latin1');
      expect(parts.map(({ body, ...part }) => ({ ...part, body: body.length > 100 ? body.length : body }))).toEqual([
        { name: 'plain', body: latin1('värde') },
        { name: 'plain', body: 'again' },
        { name: 'lines', body: 'a\r\nb\r\nc\r\nd' },
        { name: 'empty', body: '' },
        { name: 'file', filename: 'bild å.png', type: 'image/png', body: binary.length },
        { name: 'untyped', filename: 'x.bin', type: 'application/octet-stream', body: 'x' },
        { name: 'blob', filename: 'blob', type: 'application/octet-stream', body: '' },
        { name: '', body: 'no name' },
      ]);
      expect(checksum(Buffer.from(parts[4].body, 'latin1'))).toBe(checksum(binary));
    });

    it('are empty if the form is', async () => {
      const { type, body, framing } = await echo({ body: new FormData() });
      const boundary = type!.split('boundary=')[1];
      expect(body.toString()).toBe(`--${boundary}--\r\n`);
      expect(framing).toBe(String(body.length));
    });

    const evil = [
      'a"; filename="b',
      'a\r\nContent-Type: text/html\r\n\r\n<script>',
      'a\nX-Evil: 1',
      'a\rX-Evil: 1',
      '\r\n--boundary--\r\n',
      'a\\"b',
      'a\u0000b',
      'a\u2028b',
      'ą\u010d\u010a', // whose low bytes are CR and LF
    ];

    it.each(evil)('take no header from the name and filename %j', async name => {
      const form = new FormData();
      form.append(name, 'value');
      form.append('file', new Blob(['body'], { type: 'a/b' }), name);
      const parts = parse(await echo({ body: form }));
      const escaped = name.replace(/"/g, '%22').replace(/\r/g, '%0D').replace(/\n/g, '%0A');
      // FormData itself makes CRLF of each line end in a name.
      expect(parts).toHaveLength(2);
      expect(parts[0]).toMatchObject({ body: 'value', filename: undefined, type: undefined });
      expect(parts[1]).toMatchObject({ name: 'file', body: 'body', type: 'a/b', filename: escaped });
      expect(parts[0].name.replace(/%0D%0A|%0D|%0A/g, '¶')).toBe(escaped.replace(/%0D%0A|%0D|%0A/g, '¶'));
    });

    it.each(['text/html\r\nX-Evil: 1', 'text/html\nX-Evil: 1', 'a/b\r\n\r\nbody', 'ü/ä', 'a/b\u0000'])(
      'take no header from the type %j',
      async type => {
        const file = new File(['body'], 'name');
        // A Blob refuses such a type; what only looks like one does not.
        const form = new FormData();
        form.append('file', file);
        Object.defineProperty(form.get('file'), 'type', { value: type, configurable: true });
        const [part, ...more] = parse(await echo({ body: form }));
        expect(more).toEqual([]);
        // The control: a type that is one gets through this way.
        Object.defineProperty(form.get('file'), 'type', { value: 'image/png' });
        expect(parse(await echo({ body: form }))[0].type).toBe('image/png');
        expect(part).toMatchObject({ body: 'body', type: 'application/octet-stream' });
      },
    );

    it('are delimited by what nobody can guess', async () => {
      const boundaries = new Set<string | null>();
      for (let i = 0; i < 20; i++) boundaries.add((await echo({ body: new FormData() })).type);
      expect(boundaries.size).toBe(20);
    });
  });
});
