import type { ProtocolLimits } from '../../src/protocol/index.js';

/**
 * What came of an exchange. It says nothing of how many pieces the bytes came in, nor of who read the body: those change
 * nothing.
 */
export interface Verdict {
  /** `complete`; `waiting` for more of the response; `upgraded`; or the class of the error that somebody was told. */
  outcome: string;
  /**
   * Whether the next request is served over this connection (`kept`), or it is `closed`; `busy` if the response goes on,
   * `upgraded` if it speaks another protocol.
   */
  connection: 'kept' | 'closed' | 'busy' | 'upgraded';
  /** The 1xx responses before the final one. */
  informational: number[];
  /** Of the head, null if the caller never got one. */
  status: number | null;
  statusText: string | null;
  version: string | null;
  /** Name, value, name, value … */
  headers: readonly string[] | null;
  /** The Content-Length of the head, also where it frames nothing. */
  length: number | null;
  keepAlive: object | null;
  body: string;
  trailers: readonly string[];
  /** Bytes of the protocol that was switched to. */
  tunnel: string;
}

/** A part of a verdict; what it leaves out is not what the row is about. */
export type Expected = Partial<Verdict>;

/**
 * What another client makes of the same bytes, where that is not what is expected here. `accepts` what we refuse: we are
 * stricter. `refuses` what we accept: each such row says why. `differs`: both accept, but read another message.
 * `waits`: it tells its caller nothing.
 */
export type Peer = 'accepts' | 'refuses' | 'differs' | 'waits';

export interface Scene {
  /** Default GET. */
  readonly method?: string;
  /** The request offers to switch protocols. */
  readonly upgrade?: boolean;
  readonly limits?: Partial<ProtocolLimits>;
  /** What the server does behind its bytes. By default the connection stays open. */
  readonly end?: 'FIN' | 'RST';
  /** The bytes come before any request is made. */
  readonly unsolicited?: boolean;
  /** The peers, where they differ from us. `node` is what Node's own client does, and is verified on the running Node. */
  readonly node?: Peer | ByVersion;
  /** As measured with undici 7 and 8. */
  readonly undici?: Peer;
  /** Why we accept what a peer refuses, or read otherwise. */
  readonly why?: string;
}

/** llhttp before 9.4.3 (Node 20), and from then on (Node 22, 24, 26). */
export interface ByVersion {
  readonly before?: Peer;
  readonly since?: Peer;
}

/**
 * One row of a table: which rule it is a case of, what is special about it, all bytes that the server sends (latin1), and
 * what is to come of them.
 */
export type Row = readonly [rule: string, what: string, sent: string, expected: Expected, scene?: Scene];

// ---- what is expected --------------------------------------------------------------------------------------------------

/** The response is complete, and the connection serves the next request. */
export const kept = (more: Expected = {}): Expected => ({ outcome: 'complete', connection: 'kept', ...more });

/** The response is complete, and the connection ends with it. */
export const closed = (more: Expected = {}): Expected => ({ outcome: 'complete', connection: 'closed', ...more });

/** There is no response: its head is not acceptable. */
export const refused = (error = 'ParseError', more: Expected = {}): Expected => ({
  outcome: error,
  connection: 'closed',
  status: null,
  body: '',
  ...more,
});

/** The head was delivered, and `body` of its body; then an error. */
export const broken = (body: string, error = 'ParseError', more: Expected = {}): Expected => ({
  outcome: error,
  connection: 'closed',
  status: 200,
  body,
  ...more,
});

/** The response goes on. */
export const waiting = (more: Expected = {}): Expected => ({ outcome: 'waiting', connection: 'busy', ...more });

/** From here on another protocol is spoken, of which `tunnel` has come. */
export const upgraded = (tunnel: string, more: Expected = {}): Expected => ({
  outcome: 'upgraded',
  connection: 'upgraded',
  tunnel,
  ...more,
});

// ---- what is sent ------------------------------------------------------------------------------------------------------

/** A 200 with these field lines (each with its CRLF), and what follows the empty line. */
export const ok = (fields: string, rest = ''): string => `HTTP/1.1 200 OK\r\n${fields}\r\n${rest}`;

/** A 200 whose body, framing and all, is given. */
export const chunked = (body: string): string => ok('Transfer-Encoding: chunked\r\n', body);

/** "ok" in the chunked coding. */
export const chunkedOk = '2\r\nok\r\n0\r\n\r\n';

/** A whole response, with the body "ok". */
export const plain = ok('Content-Length: 2\r\n', 'ok');
