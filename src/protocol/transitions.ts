/**
 * The life of one connection that speaks HTTP/1.1, whole: the protocol looks every step up here, and its specs are
 * generated from here.
 *
 * ```
 *   quiescent ──request──► transmitting ──written──► waiting ──head──► receiving ──complete──► quiescent
 *                               │                                     ▲   │
 *                               └──head──► early ──written────────────┘   └──drain──► draining ──complete──► quiescent
 *   any of them ──final, cancel, fail, lost, close──► closed                waiting ──upgrade──► upgraded
 * ```
 */
export type ConnectionState =
  /** No exchange: idle, or leased and not yet used. The only state that takes a request. */
  | 'quiescent'
  /** The request is being written; no response head yet. */
  | 'transmitting'
  /** The request is written; no response head yet. */
  | 'waiting'
  /** A response came while the request is still being written. It can be read, but the connection ends with it. */
  | 'early'
  /** The request is written and the head is there; the body is flowing, buffered or held by its consumer. */
  | 'receiving'
  /** The consumer has gone; the short rest of the body is read and thrown away. */
  | 'draining'
  /** It speaks another protocol now and belongs to whoever asked for that. */
  | 'upgraded'
  | 'closed';

export type ConnectionInput =
  /** A request was subscribed to. */
  | 'request'
  /** The last byte of the request was taken by the transport. */
  | 'written'
  /** A final response head was read. */
  | 'head'
  /** 101, or 2xx to CONNECT. */
  | 'upgrade'
  /** The last byte of the response was read, and the connection can be used again. */
  | 'complete'
  /** The last byte of the response was read, and the connection cannot be used again. */
  | 'final'
  /** The consumer unsubscribed from the body, and so little is left that reading it is cheaper than a new connection. */
  | 'drain'
  /** The consumer unsubscribed otherwise. */
  | 'cancel'
  /** Malformed or truncated response, a fault while producing the request, a deadline. */
  | 'fail'
  /** Bytes came that no request had asked for. */
  | 'unsolicited'
  /** The transport was closed, or the peer finished where it may not. */
  | 'lost'
  /** `close()` was called. */
  | 'close';

/** What an input does in a state: the state it leads to, a refusal, or `never` for what cannot happen there. */
export type Transition = ConnectionState | 'refused' | 'ignored' | 'never';

/** What cannot happen where a state does not say otherwise. */
const never = {
  written: 'never',
  head: 'never',
  upgrade: 'never',
  complete: 'never',
  final: 'never',
  drain: 'never',
  fail: 'never',
  unsolicited: 'never',
} as const;
/** An exchange is under way. */
const active = {
  ...never,
  request: 'refused',
  cancel: 'closed',
  fail: 'closed',
  lost: 'closed',
  close: 'closed',
} as const;
const over = {
  ...never,
  request: 'refused',
  written: 'ignored',
  drain: 'ignored',
  cancel: 'ignored',
  unsolicited: 'ignored',
  lost: 'ignored',
  close: 'ignored',
} as const;

export const transitions: Readonly<Record<ConnectionState, Readonly<Record<ConnectionInput, Transition>>>> = {
  quiescent: {
    ...never,
    request: 'transmitting',
    drain: 'ignored',
    cancel: 'ignored',
    unsolicited: 'closed',
    lost: 'closed',
    close: 'closed',
  },
  transmitting: { ...active, written: 'waiting', head: 'early', upgrade: 'closed' },
  waiting: { ...active, head: 'receiving', upgrade: 'upgraded' },
  // Half a request lies on the connection: whatever the response says, it is not used again.
  early: { ...active, written: 'receiving', complete: 'closed', final: 'closed', drain: 'closed' },
  receiving: { ...active, complete: 'quiescent', final: 'closed', drain: 'draining' },
  draining: { ...active, complete: 'quiescent', final: 'closed', cancel: 'never' },
  upgraded: over,
  closed: over,
};
