import { describe, expect, it } from '@jest/globals';
import { mergeMap } from 'rxjs';
import type { Transport } from '../../src/endpoint/index.js';
import type { ProtocolRequest, RequestObserver } from '../../src/protocol/index.js';
import { answer, microtasks, openConnection, record, ticks, type Stage } from '../support/index.js';

const switching = 'HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: echo\r\n\r\n';
const established = 'HTTP/1.1 200 Connection established\r\nContent-Length: 3\r\n\r\n';
const offer: ProtocolRequest = { path: '/', headers: { Upgrade: 'echo' } };
const connect: ProtocolRequest = { method: 'CONNECT', path: 'example.test:443' };

/** Reads a transport and notes what comes. */
function listen(transport: Transport): string[] {
  const heard: string[] = [];
  transport.read({
    data: view => heard.push(Buffer.from(view).toString('latin1')),
    end: () => heard.push('end'),
    closed: error => heard.push(error === undefined ? 'closed' : `closed:${error.message}`),
  });
  return heard;
}

describe('A 1xx response', () => {
  const hints = 'HTTP/1.1 103 Early Hints\r\nLink: </style.css>\r\n\r\n';

  it('is told to the observer, each one, and is not the answer', () => {
    const { request, transport } = openConnection();
    const told: string[] = [];
    const observer: RequestObserver = {
      informational: head => told.push(`${head.status} ${head.headers.get('link') ?? ''}`),
    };
    const response = request({ observer });
    transport.respond(`HTTP/1.1 100 Continue\r\n\r\n${hints}`);
    transport.respondOneByOne(hints);
    expect(response.outcome).toBe('nothing');
    transport.respond(answer());
    expect(told).toEqual(['100 ', '103 </style.css>', '103 </style.css>']);
    expect(response.values.map(({ status }) => status)).toEqual([200]);
  });

  it('is survived where nobody listens, whatever it says of the connection', () => {
    for (const odd of ['', 'Connection: close\r\n', 'Content-Length: 5\r\n']) {
      const stage = openConnection();
      const response = stage.request();
      stage.transport.respond(`HTTP/1.1 100 Continue\r\n${odd}\r\n`);
      stage.transport.respond(answer());
      expect(response.outcome).toBe('value');
      expect(stage.state).toBe('quiescent');
    }
  });

  it.each<[string, RequestObserver]>([
    ['sent', { sent: thrower }],
    ['informational', { informational: thrower }],
    ['uploadProgress', { uploadProgress: thrower }],
    ['downloadProgress', { downloadProgress: thrower }],
  ])('or another step: an observer that throws is reported and changes nothing: %s', (_name, observer) => {
    const stage = openConnection();
    const text = record(
      stage.connection
        .request({ method: 'POST', path: '/', body: 'x', observer })
        .pipe(mergeMap(response => response.text())),
    );
    stage.transport.respond(hints + answer('hello'));
    expect(text.values).toEqual(['hello']);
    expect(stage.reports).toEqual([new Error('observer')]);
    expect(stage.state).toBe('quiescent');
  });
});

function thrower(): never {
  throw new Error('observer');
}

const asked: Record<string, { request: ProtocolRequest; response: string }> = {
  '101 to an Upgrade': { request: offer, response: switching },
  '2xx to CONNECT': { request: connect, response: established },
};

describe.each(Object.entries(asked))('%s', (_name, { request, response }) => {
  function upgrade(sent = ''): Stage & { transportOfUser: Transport } {
    const stage = openConnection();
    const { values } = stage.request(request);
    stage.transport.respond(response + sent);
    return Object.assign(Object.create(stage) as Stage, { transportOfUser: values[0].upgrade! });
  }

  it('hands the transport over, whose connection has ended in order', () => {
    const stage = upgrade();
    expect(stage.state).toBe('upgraded');
    expect(stage.log).toEqual(['disconnected:null', 'disconnected:complete', 'response:next', 'response:complete']);
    expect(stage.transportOfUser.info).toBe(stage.transport.info);
    expect(stage.transport.destroyed).toBe(false);
  });

  it('has a body that is empty and complete', () => {
    const stage = openConnection();
    const { values } = stage.request(request);
    stage.transport.respond(response);
    expect(record(values[0].text()).values).toEqual(['']);
  });

  it('gives the bytes behind the head to whoever claims it, first and in order', async () => {
    const { transport, transportOfUser } = upgrade('one');
    transport.respond('two');
    await microtasks();
    const heard = listen(transportOfUser);
    transport.respond('three');
    await microtasks();
    transport.respond('four');
    expect(heard.join('')).toBe('onetwothreefour');
    transportOfUser.write('hi');
    expect(transport.written.endsWith('\r\n\r\nhi')).toBe(true);
    transport.fin();
    transport.reset(new Error('gone'));
    expect(heard.slice(-2)).toEqual(['end', 'closed:gone']);
  });

  it('can be claimed from inside the next of the response', async () => {
    const { connection, transport } = openConnection();
    let heard: string[] = [];
    connection.request(request).subscribe(({ upgrade }) => (heard = listen(upgrade!)));
    transport.respond(`${response}one`);
    transport.respond('two');
    await microtasks();
    expect(heard.join('')).toBe('onetwo');
  });

  it('can be claimed as a Duplex', async () => {
    const { transport, transportOfUser } = upgrade('one');
    const duplex = transportOfUser.toDuplex();
    let heard = '';
    duplex.on('data', (bytes: Buffer) => (heard += bytes.toString('latin1')));
    await ticks();
    transport.respond('two');
    await ticks();
    expect(heard).toBe('onetwo');
    duplex.write('hi');
    expect(transport.written.endsWith('\r\n\r\nhi')).toBe(true);
    duplex.destroy();
    await ticks();
    expect(transport.destroyed).toBe(true);
  });

  it('is destroyed if nobody claims it in time', () => {
    const { transport, clock, reports } = upgrade();
    clock.advance(9_999);
    expect(transport.destroyed).toBe(false);
    clock.advance(1);
    expect(transport.destroyed).toBe(true);
    clock.advance(1_000_000);
    expect(clock.waiting).toBe(false);
    expect(reports).toEqual([]);
  });

  it('has no deadline once it is claimed', () => {
    const { transport, transportOfUser, clock } = upgrade();
    listen(transportOfUser);
    clock.advance(1_000_000);
    expect(transport.destroyed).toBe(false);
    expect(clock.waiting).toBe(false);
  });

  it('tells whoever claims it late that it was lost', async () => {
    const { transport, transportOfUser, clock } = upgrade();
    transport.reset(new Error('gone'));
    expect(listen(transportOfUser)).toEqual(['closed:gone']);
    clock.advance(1_000_000);
    expect(clock.waiting).toBe(false);
  });

  it('is none of the connection any more: closing that closes nothing', () => {
    const { connection, transport } = upgrade();
    connection.close();
    expect(transport.destroyed).toBe(false);
  });
});

describe('An upgrade that was not asked for', () => {
  it.each<[string, ProtocolRequest, string]>([
    ['101 to a plain request', { path: '/' }, switching],
    ['101 without Upgrade', offer, 'HTTP/1.1 101 Switching Protocols\r\n\r\n'],
    ['101 to CONNECT', connect, switching],
  ])('is refused: %s', (_name, request, response) => {
    const stage = openConnection();
    const seen = stage.request(request);
    stage.transport.respond(response);
    expect(seen.outcome).toBe('ParseError');
    expect(stage.transport.destroyed).toBe(true);
  });

  it('is none: an Upgrade that the server ignores is answered as ever', () => {
    const stage = openConnection();
    const response = stage.request(offer);
    stage.transport.respond(answer('hello'));
    expect(response.values[0].upgrade).toBeUndefined();
    expect(stage.state).toBe('quiescent');
  });
});

describe('CONNECT', () => {
  it('that is refused has an ordinary response, and the transport is not handed out', () => {
    const stage = openConnection();
    const { values } = stage.request(connect);
    stage.transport.respond('HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 5\r\n\r\nwho? ');
    expect(values[0].status).toBe(407);
    expect(values[0].upgrade).toBeUndefined();
    expect(record(values[0].text()).values).toEqual(['who? ']);
    // It can be asked again, with credentials.
    expect(stage.state).toBe('quiescent');
  });

  it('has no body to send', () => {
    const stage = openConnection();
    expect(stage.request({ ...connect, body: 'x' }).outcome).toBe('InvalidRequestError');
    expect(stage.transport.written).toBe('');
  });
});
