import type { Mutation } from '../support/bundle.js';
import type { CancelCell } from './cancel/cells.js';
import type { Cell } from './Cell.js';

/** A guard that is switched off, and cells that must notice. */
export interface Control<C> {
  readonly name: string;
  readonly mutation: Mutation;
  readonly cells: readonly C[];
  /** What at least one of them says. */
  readonly noticed: RegExp;
  /** From this version of Node on the system does not do what the guard is for: nothing can be noticed. */
  readonly before?: number;
}

const plain: Cell = {
  fault: 'one byte at a time',
  phase: 'after the request',
  method: 'GET',
  lease: 'fresh',
  read: 'text',
  framing: 'length',
};
const protocol = 'protocol/HTTP11ClientProtocol.ts';

export const faultControls: readonly Control<Cell>[] = [
  {
    name: 'whatever is lost on a reused connection is retried',
    mutation: {
      file: 'pool/shouldRetry.ts',
      from: 'return (\n    allowed &&',
      to: 'return (\n    (allowed && first && reused) ||\n    allowed &&',
    },
    cells: [
      { ...plain, fault: 'close', method: 'POST', lease: 'reused' },
      { ...plain, fault: 'stall', lease: 'reused' },
    ],
    noticed: /retries is 1 instead of 0/,
  },
  {
    name: 'what is lost on a new connection is retried',
    mutation: { file: 'pool/shouldRetry.ts', from: '    reused &&\n', to: '' },
    cells: [{ ...plain, fault: 'reset', method: 'PUT' }],
    noticed: /seen is 2 instead of 1/,
  },
  {
    name: 'connections are handed out before the loop has polled',
    mutation: {
      file: 'pool/Dialer.ts',
      from: 'if (validateIdle === true) loopTurn.after(() => this.#polled(slot));',
      to: 'if (validateIdle === true) this.#polled(slot);',
    },
    cells: [{ ...plain, fault: 'answers unasked', phase: 'at accept' }],
    noticed: /how is "answer" instead of "error instead of an answer"/,
  },
  {
    name: 'bytes behind a response are overlooked',
    mutation: {
      file: 'protocol/ResponseReader.ts',
      from: 'const reusable = parser.persistent && parser.position === parser.end;',
      to: 'const reusable = parser.persistent;',
    },
    cells: [{ ...plain, fault: 'answers twice', phase: 'after the end' }],
    noticed: /idle is 1 instead of 0/,
  },
  {
    name: 'the connection is given back at the head of the response',
    mutation: {
      file: protocol,
      from: "if (this.#enter('head') !== 'early') return;",
      to: "if (this.#enter('head') !== 'early') return this.#life.rest();",
    },
    cells: [{ ...plain, fault: 'close', phase: 'mid body' }, plain],
    noticed: /./,
  },
  {
    name: 'the connection is given back after the end was told',
    mutation: {
      file: protocol,
      from: 'this.#life.rest(exchange.endedAt);',
      to: 'queueMicrotask(() => this.#life.rest(exchange.endedAt));',
    },
    cells: [plain],
    noticed: /heldThen is 1 instead of 0/,
  },
  {
    name: 'the place of a connection that is lost in use is not freed',
    mutation: {
      file: 'pool/Dispatcher.ts',
      from: "if (state === 'leased' && lease?.lost(error)) return;",
      to: "if (state === 'leased') return;",
    },
    cells: [{ ...plain, fault: 'close', phase: 'mid body' }],
    noticed: /next is "AcquireTimeoutError" instead of "next"/,
  },
  {
    name: 'the end of a connection is believed before a reset can be told',
    mutation: {
      file: protocol,
      from: 'loopTurn.after(() => {\n      if (this.#exchange === exchange) this.#completeByEnd(exchange);\n    });',
      to: 'this.#completeByEnd(exchange);',
    },
    cells: [{ ...plain, fault: 'reset at once', phase: 'mid body', framing: 'close' }],
    noticed: /how is "answer" instead of "error in the body"/,
    before: 24, // libuv 1.52 tells of a reset right behind bytes as a reset
  },
  {
    name: 'the source of an upload is not stopped',
    mutation: {
      file: protocol,
      from: '    this.#reader.stop();\n    exchange.upload?.stop();',
      to: '    this.#reader.stop();',
    },
    cells: [
      { ...plain, fault: 'refuses early', phase: 'in the request body', method: 'PUT' },
      { ...plain, fault: 'close', phase: 'in the request body', method: 'POST' },
    ],
    noticed: /openSources is 1 instead of 0/,
  },
  {
    name: 'the length of a body is not minded when the connection ends',
    mutation: {
      file: protocol,
      from: "if (this.#reader.finish() === 'end') {",
      to: "if (exchange.head !== null || this.#reader.finish() === 'end') {",
    },
    cells: [{ ...plain, fault: 'half-close', phase: 'mid body' }],
    noticed: /how is "answer" instead of "error in the body"/,
  },
];

export const cancelControls: readonly Control<CancelCell>[] = [
  {
    name: 'whatever is left of a body is drained',
    mutation: {
      file: protocol,
      from: '|| remaining < 0 || remaining > this.context.limits.maxDrain) {',
      to: ') {',
    },
    cells: [{ state: 'S12 between chunks, a rest of unknown length to come', action: 'U' }],
    noticed: /leasedThen is 1 instead of 0/,
  },
  {
    name: 'an unsubscription before the head lets the exchange go on',
    mutation: {
      file: 'protocol/Exchange.ts',
      from: 'this.#settle();\n    this.owner.cancelled(this);',
      to: 'this.settled = true;',
    },
    cells: [{ state: 'S7 waiting for the head', action: 'U' }],
    noticed: /leasedThen is 1 instead of 0/,
  },
  {
    name: 'a dial that nobody waits for goes on',
    mutation: { file: 'endpoint/dial.ts', from: 'if (!handedOver) abort?.();', to: 'void abort;' },
    cells: [{ state: 'S3 in the TLS handshake', action: 'U' }],
    noticed: /openDials is 1 instead of 0/,
  },
  {
    name: 'a close at once leaves those alone who are at it',
    mutation: {
      file: 'pool/Dispatcher.ts',
      from: 'if (gracePeriod === 0) this.#closeLeased();',
      to: 'if (false) this.#closeLeased();',
    },
    cells: [{ state: 'S7 waiting for the head', action: 'D' }],
    noticed: /leasedThen is 1 instead of 0/,
  },
];
