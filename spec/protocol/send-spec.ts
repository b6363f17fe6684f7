import { describe, expect, it } from '@jest/globals';
import { config, type Observable } from 'rxjs';
import { AbortedError } from '../../src/errors/index.js';
import {
  HTTP11ClientProtocol,
  protocolLimits,
  type ExchangeHandle,
  type ExchangeReceiver,
  type ProtocolRequest,
  type ProtocolResponse,
} from '../../src/protocol/index.js';
import { DeadlineSweep } from '../../src/timing/index.js';
import { answer, className, FakeTransport, record, VirtualClock } from '../support/index.js';

/** Notes in a log what it hears, as in `a: next`. */
class Receiver implements ExchangeReceiver {
  readonly closed = false;
  exchange: ExchangeHandle | undefined = undefined;
  response: ProtocolResponse | undefined = undefined;
  error_: unknown = undefined;
  onStarted = (_exchange: ExchangeHandle): void => undefined;

  constructor(
    private readonly log: string[],
    private readonly name: string,
  ) {}

  started(exchange: ExchangeHandle): void {
    this.log.push(`${this.name}: started`);
    this.exchange = exchange;
    this.onStarted(exchange);
  }

  next(response: ProtocolResponse): void {
    this.log.push(`${this.name}: next`);
    this.response = response;
  }

  error(error: unknown): void {
    this.log.push(`${this.name}: ${className(error)}`);
    this.error_ = error;
  }

  complete(): void {
    this.log.push(`${this.name}: complete`);
  }
}

/** A connection over a fake transport, driven as the pool drives it. */
function open() {
  const transport = new FakeTransport();
  const clock = new VirtualClock();
  const log: string[] = [];
  const ended: ExchangeHandle[] = [];
  const reports: unknown[] = [];
  const connection = new HTTP11ClientProtocol(transport, {
    persistent: true,
    limits: protocolLimits(),
    deadlines: new DeadlineSweep(clock),
    report: error => reports.push(error),
  });
  connection.quiescent.subscribe(exchange => {
    log.push('quiescent');
    ended.push(exchange);
  });
  connection.disconnected.subscribe(error => log.push(`disconnected: ${error === null ? 'null' : className(error)}`));
  const receiver = (name: string): Receiver => new Receiver(log, name);
  const send = (name = 'a', request: Partial<ProtocolRequest> = {}): [ExchangeHandle, Receiver] => {
    const heard = receiver(name);
    const exchange = connection.send({ path: '/', ...request }, heard);
    expect(exchange).not.toBeNull();
    return [exchange!, heard];
  };
  return { transport, clock, log, ended, reports, connection, receiver, send };
}

describe('A request that is sent', () => {
  it.each<[string, (transport: FakeTransport) => void, string[]]>([
    ['nothing', () => undefined, ['a: started']],
    [
      'a response',
      transport => transport.respond(answer('hello')),
      // A server that answers before the request is written whole has not read it.
      ['a: started', 'disconnected: null', 'a: next', 'a: complete'],
    ],
    [
      'the end of the connection',
      transport => transport.reset(),
      ['a: started', 'disconnected: RequestTransmissionFailedError', 'a: RequestTransmissionFailedError'],
    ],
    [
      'an exception',
      () => {
        throw new Error('boom');
      },
      ['a: started', 'disconnected: RequestTransmissionFailedError', 'a: RequestTransmissionFailedError'],
    ],
  ])('is started before it hears anything else, and before its write is answered by %s', (_, onWrite, expected) => {
    const { transport, log, send } = open();
    transport.onWrite = (_bytes, written) => {
      expect(log).toEqual(['a: started']);
      onWrite(written);
    };
    const [exchange, heard] = send();
    expect(log).toEqual(expected);
    expect(heard.exchange).toBe(exchange);
  });

  it('is not written if its receiver aborts it as it starts', () => {
    const { transport, log, connection, receiver } = open();
    const heard = receiver('a');
    heard.onStarted = exchange => exchange.abort();
    expect(connection.send({ path: '/' }, heard)).toBe(heard.exchange);
    expect(log).toEqual(['a: started', 'disconnected: AbortedError', 'a: AbortedError']);
    expect(transport.writes).toEqual([]);
  });

  it.each<[string, Partial<ProtocolRequest>, boolean, string]>([
    ['the connection has an exchange', {}, true, 'RequestNotSentError'],
    ['its header is malformed', { headers: { 'no name': 'x' } }, false, 'InvalidRequestError'],
  ])('is refused with an error, and is no exchange, where %s', (_, request, isBusy, error) => {
    const { transport, log, connection, receiver, send } = open();
    if (isBusy) send('first');
    const written = transport.writes.length;
    const heard = receiver('refused');
    expect(connection.send({ path: '/', ...request }, heard)).toBeNull();
    expect(log.filter(line => line.startsWith('refused'))).toEqual([`refused: ${error}`]);
    expect([transport.writes.length, heard.exchange]).toEqual([written, undefined]);
    // The connection is as it was before.
    if (!isBusy) send('next');
    transport.respond(answer());
    expect(log.slice(-2)).toEqual([
      isBusy ? 'first: next' : 'next: next',
      isBusy ? 'first: complete' : 'next: complete',
    ]);
  });

  it('is named by quiescent when it ends', () => {
    const { transport, ended, send } = open();
    const [first] = send('a');
    transport.respond(answer());
    const [second] = send('b');
    transport.respond(answer());
    expect(ended).toEqual([first, second]);
    expect(ended[0]).toBe(first);
    expect(ended[1]).toBe(second);
  });

  it('tells when it was sent, and when it ended', () => {
    const { transport, clock, send } = open();
    clock.advance(5);
    const [exchange, heard] = send();
    transport.respond(answer('hello').slice(0, -1));
    record(heard.response!.body);
    clock.advance(20);
    transport.respond('o');
    expect([exchange.startedAt, exchange.endedAt]).toEqual([5, 25]);
  });
});

describe('Aborting an exchange', () => {
  const reason = new AbortedError('enough');

  it('before the head fails its request', () => {
    const { transport, log, send } = open();
    const [exchange, heard] = send();
    log.length = 0;
    exchange.abort(reason);
    expect(log).toEqual(['disconnected: AbortedError', 'a: AbortedError']);
    expect([heard.error_, transport.destroyed]).toEqual([reason, true]);
  });

  it('in the body fails the body, after disconnected', () => {
    const { transport, log, send } = open();
    const [exchange, heard] = send();
    transport.respond(answer('hello').slice(0, -1));
    record(heard.response!.body, { log, name: 'body' });
    log.length = 0;
    exchange.abort(reason);
    expect(log).toEqual(['disconnected: AbortedError', 'body:error']);
    expect([heard.error_, transport.destroyed]).toEqual([undefined, true]);
  });

  it('with a reason that is none of our errors is an AbortedError with the reason as its cause', () => {
    const { send } = open();
    const [exchange, heard] = send();
    exchange.abort('why not');
    expect(heard.error_).toMatchObject({ code: 'ERR_ABORTED', cause: 'why not' });
  });

  it('after its end does nothing, and harms no later exchange of the connection', () => {
    const { transport, log, send } = open();
    const [first] = send('a');
    transport.respond(answer());
    first.abort(reason);
    const [, heard] = send('b');
    first.abort(reason);
    transport.respond(answer('fine'));
    expect(record(heard.response!.text()).values).toEqual(['fine']);
    expect(transport.destroyed).toBe(false);
    expect(log.filter(line => /disconnected|Aborted/.test(line))).toEqual([]);
  });

  it('a second time does nothing', () => {
    const { log, send } = open();
    const [exchange] = send();
    exchange.abort();
    const told = log.length;
    exchange.abort();
    expect(log).toHaveLength(told);
  });
});

describe('The progress of an exchange', () => {
  const upload: Partial<ProtocolRequest> = { method: 'POST', body: () => new Uint8Array(3) };

  it('is told in each phase, and after its end', () => {
    const { transport, send } = open();
    const [exchange, heard] = send();
    expect(exchange.progress()).toEqual({ state: 'waiting', wrote: true, responseByte: false, bodySubscribed: false });
    transport.respond('HTTP/1.1 103 Early Hints\r\n\r\n');
    expect(exchange.progress()).toMatchObject({ state: 'waiting', responseByte: true });
    transport.respond(answer('hello').slice(0, -1));
    record(heard.response!.body);
    expect(exchange.progress()).toMatchObject({ state: 'receiving', responseByte: true });
    transport.respond('o');
    const over = { state: 'quiescent', wrote: true, responseByte: true, bodySubscribed: false };
    expect(exchange.progress()).toEqual(over);
    const [later] = send('b', upload);
    expect(later.progress()).toMatchObject({ state: 'waiting', responseByte: false, bodySubscribed: true });
    // A later exchange says nothing of an earlier one.
    expect(exchange.progress()).toEqual(over);
    transport.reset();
    expect(later.progress()).toEqual({ state: 'closed', wrote: true, responseByte: false, bodySubscribed: true });
  });

  it('is that of a request that is being written as long as its transport takes no more', () => {
    const { transport, send } = open();
    const full = Object.assign(transport, { highWaterMark: 1 });
    const [exchange] = send('a', { method: 'POST', body: () => 'x' });
    expect(exchange.progress()).toMatchObject({ state: 'transmitting', bodySubscribed: true });
    full.drain();
    expect(exchange.progress()).toMatchObject({ state: 'waiting' });
  });
});

describe('disconnected', () => {
  it('is replayed to those who subscribe later: the value, and the end when the socket is closed', async () => {
    const { transport, connection } = open();
    transport.fin();
    const open_ = record(connection.disconnected);
    expect([open_.values, open_.completed]).toEqual([[null], false]);
    await Promise.resolve();
    expect(open_.completed).toBe(true);
    expect(record(connection.disconnected)).toMatchObject({ values: [null], completed: true });
    expect(record(connection.quiescent).completed).toBe(true);
  });
});

describe('What subscribers of a connection throw', () => {
  it.each(['next', 'finalizer'])('does not reach the connection, nor its exchange: from a %s', async how => {
    const { transport, log, send, connection } = open();
    const errors: unknown[] = [];
    config.onUnhandledError = error => errors.push(error);
    const boom = (): never => {
      throw new Error('boom');
    };
    record(connection.quiescent, { log, name: 'q' });
    record(connection.disconnected, { log, name: 'd' });
    const told: Observable<unknown>[] = [connection.quiescent, connection.disconnected];
    for (const told$ of told) {
      if (how === 'next') told$.subscribe(boom);
      else told$.subscribe().add(boom);
    }
    const [, heard] = send();
    transport.respond(answer('hello'));
    transport.fin();
    await Promise.resolve();
    expect(record(heard.response!.text()).values).toEqual(['hello']);
    expect(log).toEqual([
      'a: started',
      'quiescent',
      'q:next',
      'a: next',
      'a: complete',
      'disconnected: null',
      'd:next',
      'q:complete',
      'd:complete',
    ]);
  });
});
