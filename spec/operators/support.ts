import { of, type OperatorFunction } from 'rxjs';
import type { ProtocolResponse } from '../../src/index.js';
import { openConnection, record, type Recorded, type Stage } from '../support/index.js';

/** An operator at work on a response whose head is there, and whose body the spec sends. */
export interface Reading<T> extends Stage {
  readonly seen: Recorded<T>;
  /** Sends bytes of the body, in one read. A string is UTF-8. */
  body(bytes: Uint8Array | string): void;
  /** Ends the body. */
  end(): void;
}

/** The body is chunked, so that any part of it may be the last. */
export function readWith<T>(
  operator: OperatorFunction<ProtocolResponse, T>,
  { status = '200 OK', headers = [] as readonly string[] } = {},
): Reading<T> {
  const stage = openConnection();
  const { values } = stage.request();
  const fields = ['Transfer-Encoding: chunked', ...headers].map(field => `${field}\r\n`).join('');
  stage.transport.respond(`HTTP/1.1 ${status}\r\n${fields}\r\n`);
  const seen = record(of(values[0]).pipe(operator), { log: stage.log, name: 'seen' });
  return Object.assign(stage, {
    seen,
    body(bytes: Uint8Array | string) {
      const all = Buffer.from(bytes as string);
      const size = Buffer.from(`${all.length.toString(16)}\r\n`);
      if (all.length > 0) stage.transport.respond(Buffer.concat([size, all, Buffer.from('\r\n')]));
    },
    end: () => stage.transport.respond('0\r\n\r\n'),
  });
}

/** What comes of a body, whole, byte by byte, and cut in two at each place: the same each time. */
export function cuts(body: Uint8Array): Uint8Array[][] {
  const inTwo = Array.from({ length: body.length }, (_, at) => [body.subarray(0, at), body.subarray(at)]);
  return [[body], [...body].map(byte => Uint8Array.of(byte)), ...inTwo];
}
