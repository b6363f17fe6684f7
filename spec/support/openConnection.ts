import {
  HTTP11ClientProtocol,
  protocolLimits,
  type ProtocolLimits,
  type ProtocolRequest,
  type ProtocolResponse,
} from '../../src/protocol/index.js';
import { DeadlineSweep } from '../../src/timing/index.js';
import { FakeTransport, type FakeTransportOptions } from '../../src/testing/FakeTransport.js';
import { record, type Recorded } from './record.js';
import { VirtualClock } from './VirtualClock.js';

/** What of `src/` a connection is made of. A spec may bring a library of its own, with a seeded bug. */
export interface ProtocolLibrary {
  readonly HTTP11ClientProtocol: typeof HTTP11ClientProtocol;
  readonly DeadlineSweep: typeof DeadlineSweep;
  readonly protocolLimits: typeof protocolLimits;
}

export interface ConnectionOptions extends FakeTransportOptions {
  readonly limits?: Partial<ProtocolLimits>;
  readonly persistent?: boolean;
  readonly library?: ProtocolLibrary;
}

/** A connection over a fake transport, and all that it says to whoever owns it. */
export interface Stage {
  readonly clock: VirtualClock;
  readonly transport: FakeTransport;
  readonly connection: HTTP11ClientProtocol;
  /** What was reported as nobody could be told. */
  readonly reports: unknown[];
  /** `quiescent`, `disconnected:<class or null>`, `disconnected:complete`, and what the spec adds, in order. */
  readonly log: string[];
  readonly state: string;
  /** Makes a request and notes in the log what it says, as `response:next`. */
  request(request?: Partial<ProtocolRequest>): Recorded<ProtocolResponse>;
}

const ours: ProtocolLibrary = { HTTP11ClientProtocol, DeadlineSweep, protocolLimits };

export function openConnection({
  limits,
  persistent = true,
  library = ours,
  ...options
}: ConnectionOptions = {}): Stage {
  const clock = new VirtualClock();
  const transport = new FakeTransport(options);
  const reports: unknown[] = [];
  const log: string[] = [];
  const connection = new library.HTTP11ClientProtocol(transport, {
    persistent,
    limits: library.protocolLimits(limits),
    deadlines: new library.DeadlineSweep(clock),
    report: error => reports.push(error),
  });
  connection.quiescent.subscribe(() => log.push('quiescent'));
  connection.disconnected.subscribe({
    next: error => log.push(`disconnected:${error === null ? 'null' : error.constructor.name}`),
    complete: () => log.push('disconnected:complete'),
  });
  return {
    clock,
    transport,
    connection,
    reports,
    log,
    get state() {
      return connection.progress().state;
    },
    request: request => record(connection.request({ path: '/', ...request }), { log, name: 'response' }),
  };
}

/** A response with a body of known length. */
export function answer(body = 'hello', { status = '200 OK', headers = [] as readonly string[] } = {}): string {
  const fields = [`Content-Length: ${Buffer.byteLength(body, 'latin1')}`, ...headers];
  return `HTTP/1.1 ${status}\r\n${fields.map(field => `${field}\r\n`).join('')}\r\n${body}`;
}

export const chunkedHead = 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n';

/** One chunk of a chunked body; the empty one ends it. */
export function chunk(data: string): string {
  return `${Buffer.byteLength(data, 'latin1').toString(16)}\r\n${data}\r\n`;
}

export function chunkedAnswer(...chunks: readonly string[]): string {
  return `${chunkedHead}${chunks.map(chunk).join('')}0\r\n\r\n`;
}
