import type { Mutation } from '../support/bundle.js';

/** A guard of the library that is switched off, to see that the soak notices. */
export interface Guard {
  readonly name: string;
  readonly mutations: readonly Mutation[];
}

const protocol = 'protocol/HTTP11ClientProtocol.ts';

export const guards: readonly Guard[] = [
  {
    name: 'connections are handed out before the loop has polled',
    mutations: [
      {
        file: 'pool/Dialer.ts',
        from: 'if (validateIdle === true) loopTurn.after(() => this.#polled(slot));',
        to: 'if (validateIdle === true) this.#polled(slot);',
      },
    ],
  },
  {
    name: 'every request is retried, whatever it does',
    mutations: [{ file: 'pool/shouldRetry.ts', from: '(!progress.wrote || isIdempotent(request)) &&', to: '' }],
  },
  {
    name: 'a connection is quiescent at the head of its response',
    mutations: [{ file: protocol, from: 'exchange.announce();', to: 'this.#life.rest();\n    exchange.announce();' }],
  },
  {
    name: 'a connection is quiescent when the consumer has heard of the end',
    mutations: [
      {
        file: protocol,
        from: '      this.#life.rest(exchange.endedAt);\n    } else this.#disconnect(null);\n    exchange.ended(trailers);',
        to: '      exchange.ended(trailers);\n      this.#life.rest(exchange.endedAt);\n      return;\n    } else this.#disconnect(null);\n    exchange.ended(trailers);',
      },
    ],
  },
  {
    name: 'bytes behind the end of a response are overlooked',
    mutations: [
      {
        file: 'protocol/ResponseReader.ts',
        from: 'parser.persistent && parser.position === parser.end;',
        to: 'parser.persistent;',
      },
    ],
  },
  {
    name: 'the pool is not told of a connection whose request was cancelled',
    mutations: [
      {
        file: protocol,
        from: "if (this.#enter('cancel')) this.#disconnect(error);",
        to: "this.#enter('cancel');",
      },
    ],
  },
  {
    name: 'a body that nobody comes for is kept for ever',
    mutations: [
      {
        file: protocol,
        from: "else if (!exchange.body!.claimed) this.#wait('unclaimed', bodyUnclaimed);",
        to: "else if (!exchange.body!.claimed) this.#wait('unclaimed', Infinity + 0 * bodyUnclaimed);",
      },
    ],
  },
  {
    name: 'a truncated body passes for a whole one',
    mutations: [
      {
        file: protocol,
        from: 'if (exchange.head !== null) return new TruncatedBodyError(undefined, { cause });',
        to: 'if (exchange.head !== null) exchange.body!.end(HTTPHeaders.empty);\n    if (exchange.head !== null) return new TruncatedBodyError(undefined, { cause });',
      },
    ],
  },
];
