import { isBefore, type Cell, type Phase } from './Cell.js';
import type { ConnectFaultName } from './faults.js';
import { halves, wholeText } from './messageOf.js';
import type { Outcome } from './play.js';

/** What has to come of a cell. Each of `codes` is that of the error or a cause; a text of null is not looked at. */
export interface Expectation extends Omit<Outcome, 'codes' | 'text'> {
  readonly codes: readonly RegExp[];
  readonly text: string | null;
}

type Failure = readonly [error: string, phase: 'connect' | 'transmit' | 'wait' | 'receive'];

/** Ends of the connection, whatever way. */
const ends: readonly string[] = ['close', 'reset', 'reset at once', 'half-close'];

/**
 * What has to come of a cell; more than one where the network decides which: a function of the cell alone, from the rules and not from the code.
 *
 * - Every request has one outcome. An error says how far the request had got, so that its class tells whether it may be
 *   sent again; of a response whose head was seen, the body fails.
 * - A request goes out once more if, and only if, a reused connection was lost before a byte of the response came, and
 *   sending it twice does no harm, and its body can be sent twice. Never after a deadline.
 * - A connection is kept only if request and response are complete, and nothing came behind that.
 */
export function expected(cell: Cell): readonly Expectation[] {
  const { fault, phase } = cell;
  if (phase === 'before accept') return connectFailed(cell, fault as ConnectFaultName);
  if (phase === 'at accept') return acceptFailed(cell).map(failure => failed(cell, failure));
  const lost = beforeResponse(cell);
  if (lost !== null) return [ends.includes(fault) && mayRetry(cell) ? retried(cell) : failed(cell, lost)];
  const cutHead = isBefore(phase, 'after the head') ? inHead(cell) : [];
  if (cutHead.length > 0) return cutHead.map(failure => failed(cell, failure));
  const cutBody = inBody(cell);
  if (cutBody === null) return [answered(cell)];
  return [{ ...failed(cell, cutBody), how: 'error in the body', text: cutText(cell) }];
}

// ---- the four ends of a request ----

const settled = {
  terminals: 1,
  heldThen: 0,
  openSources: 0,
  reports: [],
  next: 'next',
  codes: [],
  retries: 0,
} as const;

function failed(cell: Cell, [error, phase]: Failure): Expectation {
  return {
    ...settled,
    how: 'error instead of an answer',
    error,
    phase,
    text: null,
    seen: headIsRead(cell.phase) ? 1 : 0,
    idle: 0,
    openAtServer: 0,
  };
}

function answered(cell: Cell): Expectation {
  const kept = isKept(cell) ? 1 : 0;
  return {
    ...settled,
    how: 'answer',
    error: null,
    phase: null,
    text: cell.read === 'discarded' ? null : answerText(cell),
    seen: 1,
    idle: kept,
    openAtServer: kept,
  };
}

/** The fault's connection is gone, and a new one, which is kept, has brought the answer. */
function retried(cell: Cell): Expectation {
  const seenBefore = headIsRead(cell.phase) ? 1 : 0;
  const text = cell.read === 'discarded' ? null : cell.method === 'HEAD' ? '' : wholeText;
  return { ...answered(cell), text, retries: 1, seen: seenBefore + 1, idle: 1, openAtServer: 1 };
}

/** Nothing was sent. If it was the dial of a retry, the error says what had made that necessary. */
function connectFailed(cell: Cell, fault: ConnectFaultName): Expectation[] {
  const again = cell.lease === 'reused' ? 1 : 0;
  const codes = again === 1 ? [connectCodes[fault], /^ERR_RESPONSE_NEVER_RECEIVED$/] : [connectCodes[fault]];
  return failuresOf(fault).map(failure => ({ ...failed(cell, failure), codes, retries: again, seen: again }));
}

function failuresOf(fault: ConnectFaultName): Failure[] {
  switch (fault) {
    case 'blackholed connect':
    case 'stall in the handshake':
      return [['ConnectTimeoutError', 'connect']];
    case 'client certificate refused':
      // By the rules of TLS 1.3 the server does so when the connection is there, and perhaps a request on it.
      return [
        ['UnsolicitedDataError', 'connect'],
        ['ResponseNeverReceivedError', 'wait'],
      ];
    default:
      return [['ConnectError', 'connect']];
  }
}

const connectCodes: Readonly<Record<ConnectFaultName, RegExp>> = {
  'refused connect': /^ECONNREFUSED$/,
  'blackholed connect': /^ERR_CONNECT_TIMEOUT$/,
  'plain HTTP on a TLS port': /^(EPROTO|ERR_SSL_\w+)$/,
  'FIN in the handshake': /^ECONNRESET$/,
  'RST in the handshake': /^ECONNRESET$/,
  'stall in the handshake': /^ERR_CONNECT_TIMEOUT$/,
  'certificate of another host': /^ERR_TLS_CERT_ALTNAME_INVALID$/,
  'expired certificate': /^CERT_HAS_EXPIRED$/,
  'self-signed certificate': /^DEPTH_ZERO_SELF_SIGNED_CERT$/,
  'client certificate refused': /^ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED$/,
  'no common TLS version': /^(EPROTO|ERR_SSL_\w+)$/,
};

// ---- what the fault does to it ----

function headIsRead(phase: Phase): boolean {
  return isBefore('in the request head', phase);
}

/** HTTP says so of GET, HEAD and PUT; the stream of the POST could not be sent again either. */
function mayRetry({ lease, method }: Cell): boolean {
  return lease === 'reused' && method !== 'POST';
}

/** A connection is not used before the loop has polled: whatever the server does at once, it is seen. */
function acceptFailed({ fault }: Cell): readonly Failure[] {
  if (fault === 'stall') return [['HeadersTimeoutError', 'wait']];
  const distrusted: Failure = ['UnsolicitedDataError', 'connect'];
  // A reset may come so soon that the connect itself fails.
  return fault === 'reset' ? [distrusted, ['ConnectError', 'connect']] : [distrusted];
}

/** The failure, if not a byte of a response has come. */
function beforeResponse({ fault, phase }: Cell): Failure | null {
  if (!isBefore(phase, 'in the status line')) return null;
  const uploading = phase === 'in the request body';
  if (ends.includes(fault)) {
    return uploading ? ['RequestTransmissionFailedError', 'transmit'] : ['ResponseNeverReceivedError', 'wait'];
  }
  if (fault === 'stall') return uploading ? ['UploadTimeoutError', 'transmit'] : ['HeadersTimeoutError', 'wait'];
  return null;
}

/** The failure, if a part of the response's head has come and it does not get whole. */
function inHead({ fault }: Cell): readonly Failure[] {
  switch (fault) {
    case 'close':
    case 'half-close':
      return [['TruncatedBodyError', 'receive']];
    case 'reset':
      return [['ResponseFailedError', 'receive']];
    case 'reset at once':
      // Right behind bytes the system may show a reset as an end.
      return [
        ['ResponseFailedError', 'receive'],
        ['TruncatedBodyError', 'receive'],
      ];
    case 'stall':
    case 'drips for ever':
      return [['HeadersTimeoutError', 'wait']];
    case 'gibberish':
      return [['ParseError', 'receive']];
    case 'a million fields':
    case 'an endless field':
    case 'endless 1xx':
      return [['HeadersOverflowError', 'receive']];
    default:
      return [];
  }
}

/** The failure of the body, if it does not come to its end. */
function inBody({ fault, phase, framing }: Cell): Failure | null {
  if (isBefore(phase, 'after the head') || !isBefore(phase, 'after the end')) return null;
  switch (fault) {
    case 'close':
    case 'half-close':
      // Of a body that only the end of the connection ends, that is the end.
      return framing === 'close' ? null : ['TruncatedBodyError', 'receive'];
    case 'reset':
    case 'reset at once':
      return ['TruncatedBodyError', 'receive'];
    case 'stall':
    case 'says more than it sends':
      return ['BodyTimeoutError', 'receive'];
    case 'drips for ever':
      return ['TotalTimeoutError', 'receive'];
    case 'gibberish':
      return ['ParseError', 'receive'];
    case 'says less than it sends':
      // Behind a length there is the end; behind a chunk there has to be a line end.
      return framing === 'chunked' ? ['ParseError', 'receive'] : null;
    case 'a million fields':
    case 'an endless field':
    case 'endless chunk extensions':
    case 'endless trailers':
      return ['HeadersOverflowError', 'receive'];
    default:
      return null;
  }
}

/** What was handed over of a body that failed, to those who are handed parts. */
function cutText({ fault, phase, read }: Cell): string | null {
  if (read === 'text' || read === 'discarded') return null;
  // What comes besides the text itself is not told apart from it.
  if (fault.startsWith('says ') || fault === 'drips for ever') return null;
  return { 'after the head': '', 'mid body': halves[0], 'before the last chunk': wholeText }[phase as string]!;
}

function answerText({ fault, phase, method, framing }: Cell): string {
  if (fault === 'answers early' || fault === 'refuses early') return method === 'HEAD' ? '' : 'early';
  if (method === 'HEAD') return '';
  if (fault === 'says less than it sends') return halves[0];
  if (framing === 'close' && (fault === 'close' || fault === 'half-close')) {
    return phase === 'after the head' ? '' : halves[0];
  }
  return wholeText;
}

/** The connection of an answer is kept, unless something of what it ends with is not as it should be. */
function isKept({ fault, framing }: Cell): boolean {
  const harmless = fault === 'one byte at a time';
  return harmless && framing !== 'close';
}
