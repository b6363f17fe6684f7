import { describe, expect, it } from '@jest/globals';
import { Subject } from 'rxjs';
import {
  transitions,
  type ConnectionInput,
  type ConnectionState,
  type ProtocolResponse,
} from '../../src/protocol/index.js';
import { answer, chunk, chunkedHead, openConnection, record, type Recorded, type Stage } from '../support/index.js';

/** A connection in a state, with what brought it there. */
interface Scene {
  readonly stage: Stage;
  readonly source: Subject<string>;
  readonly response?: Recorded<ProtocolResponse>;
  readonly body?: Recorded<Uint8Array>;
  /** The request that the input `request` makes. */
  second?: Recorded<ProtocolResponse>;
  readonly secondSource: Subject<string>;
}

type Framing = 'length' | 'chunked';

const switching = 'HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: echo\r\n\r\n';
const offer = { headers: { Upgrade: 'echo' } };

/** The head and a part of the body `hello`, to a consumer. */
function receive(scene: Scene, framing: Framing): Scene {
  const { stage, response } = scene;
  stage.transport.respond(framing === 'length' ? answer('hello').slice(0, -3) : chunkedHead + chunk('he'));
  return { ...scene, body: record(response!.values[0].body, { log: stage.log, name: 'body' }) };
}

function begin(): Scene {
  return { stage: openConnection(), source: new Subject(), secondSource: new Subject() };
}

function get(): Scene {
  const scene = begin();
  return { ...scene, response: scene.stage.request(offer) };
}

function post(): Scene {
  const scene = begin();
  const response = scene.stage.request({ ...offer, method: 'POST', body: scene.source });
  scene.source.next('part');
  return { ...scene, response };
}

/** How to bring a connection into each state. */
const drivers: Record<ConnectionState, (framing: Framing) => Scene> = {
  quiescent: framing => {
    const scene = receive(get(), framing);
    scene.stage.transport.respond(framing === 'length' ? 'llo' : chunk('llo') + chunk(''));
    return scene;
  },
  transmitting: post,
  waiting: get,
  early: framing => receive(post(), framing),
  receiving: framing => receive(get(), framing),
  draining: () => {
    const scene = receive(get(), 'length');
    scene.body!.subscription.unsubscribe();
    return scene;
  },
  upgraded: () => {
    const scene = get();
    scene.stage.transport.respond(switching);
    return scene;
  },
  closed: () => {
    const scene = receive(post(), 'length');
    scene.stage.connection.close();
    return scene;
  },
};

/** How the world causes each input. */
const causes: Record<ConnectionInput, (scene: Scene, state: ConnectionState) => void> = {
  request: scene => {
    const { stage, secondSource: body } = scene;
    const second$ = stage.connection.request({ method: 'POST', path: '/second', body });
    scene.second = record(second$, { log: stage.log, name: 'second' });
  },
  written: ({ source }) => source.complete(),
  head: ({ stage }) => stage.transport.respond(answer('hello').slice(0, -5)),
  upgrade: ({ stage }) => stage.transport.respond(switching),
  complete: ({ stage }) => stage.transport.respond('llo'),
  final: ({ stage }) => stage.transport.respond('llo and more'),
  drain: ({ body }) => body!.subscription.unsubscribe(),
  cancel: ({ response, body }) => (body ?? response!).subscription.unsubscribe(),
  fail: ({ stage, source }, state) => {
    if (state === 'transmitting' || state === 'early') source.error(new Error('disk on fire'));
    else if (state === 'waiting') stage.transport.respond('junk\r\n');
    else stage.clock.advance(60_000);
  },
  unsolicited: ({ stage }) => stage.transport.respond('X'),
  lost: ({ stage }) => stage.transport.reset(),
  close: ({ stage }) => stage.connection.close(),
};

const refused = 'second:error RequestNotSentError';
const lost = 'disconnected:complete';

/**
 * What every input does in every state, as anybody can see it: the state it leads to, then what is told to whom, in
 * order. `never:` says why nothing can cause it there.
 */
const outcomes: Record<ConnectionState, Record<ConnectionInput, string>> = {
  quiescent: {
    request: 'transmitting',
    written: 'never: there is no request to be written',
    head: 'never: without a request, bytes are unsolicited',
    upgrade: 'never: without a request, bytes are unsolicited',
    complete: 'never: without a request, bytes are unsolicited',
    final: 'never: without a request, bytes are unsolicited',
    drain: 'quiescent',
    cancel: 'quiescent',
    fail: 'never: there is no exchange, and no deadline runs',
    unsolicited: 'closed, disconnected:UnsolicitedDataError',
    lost: `closed, disconnected:ResponseFailedError, ${lost}`,
    close: 'closed, disconnected:null',
  },
  transmitting: {
    request: `transmitting, ${refused}`,
    written: 'waiting',
    head: 'early, response:next, response:complete',
    upgrade: 'closed, disconnected:ParseError, response:error ParseError',
    complete: 'never: the head comes first',
    final: 'never: the head comes first',
    drain: 'never: there is no body yet',
    cancel: 'closed, disconnected:AbortedError',
    fail: 'closed, disconnected:RequestGenerationFailedError, response:error RequestGenerationFailedError',
    unsolicited: 'never: any byte may be the answer',
    lost: `closed, disconnected:RequestTransmissionFailedError, response:error RequestTransmissionFailedError, ${lost}`,
    close: 'closed, disconnected:AbortedError, response:error AbortedError',
  },
  waiting: {
    request: `waiting, ${refused}`,
    written: 'never: it is written',
    head: 'receiving, response:next, response:complete',
    upgrade: 'upgraded, disconnected:null, disconnected:complete, response:next, response:complete',
    complete: 'never: the head comes first',
    final: 'never: the head comes first',
    drain: 'never: there is no body yet',
    cancel: 'closed, disconnected:AbortedError',
    fail: 'closed, disconnected:ParseError, response:error ParseError',
    unsolicited: 'never: any byte may be the answer',
    lost: `closed, disconnected:ResponseNeverReceivedError, response:error ResponseNeverReceivedError, ${lost}`,
    close: 'closed, disconnected:AbortedError, response:error AbortedError',
  },
  early: {
    request: `early, ${refused}`,
    written: 'receiving',
    head: 'never: after the head comes the body',
    upgrade: 'never: after the head comes the body',
    complete: 'closed, disconnected:null, body:next, body:complete',
    final: 'closed, disconnected:null, body:next, body:complete',
    drain: 'closed, disconnected:AbortedError',
    cancel: 'closed, disconnected:AbortedError',
    fail: 'closed, disconnected:RequestGenerationFailedError, body:error RequestGenerationFailedError',
    unsolicited: 'never: bytes are the body, or behind it and so of its last read',
    lost: `closed, disconnected:TruncatedBodyError, body:error TruncatedBodyError, ${lost}`,
    close: 'closed, disconnected:AbortedError, body:error AbortedError',
  },
  receiving: {
    request: `receiving, ${refused}`,
    written: 'never: it is written',
    head: 'never: after the head comes the body',
    upgrade: 'never: after the head comes the body',
    complete: 'quiescent, quiescent, body:next, body:complete',
    final: 'closed, disconnected:null, body:next, body:complete',
    drain: 'draining',
    cancel: 'closed, disconnected:AbortedError',
    fail: 'closed, disconnected:BodyTimeoutError, body:error BodyTimeoutError',
    unsolicited: 'never: bytes are the body, or behind it and so of its last read',
    lost: `closed, disconnected:TruncatedBodyError, body:error TruncatedBodyError, ${lost}`,
    close: 'closed, disconnected:AbortedError, body:error AbortedError',
  },
  draining: {
    request: `draining, ${refused}`,
    written: 'never: it is written',
    head: 'never: after the head comes the body',
    upgrade: 'never: after the head comes the body',
    complete: 'quiescent, quiescent',
    final: 'closed, disconnected:null',
    drain: 'never: the consumer has gone',
    cancel: 'never: the consumer has gone',
    fail: 'closed, disconnected:AbortedError',
    unsolicited: 'never: bytes are the body, or behind it and so of its last read',
    lost: `closed, disconnected:TruncatedBodyError, ${lost}`,
    close: 'closed, disconnected:AbortedError',
  },
  upgraded: {
    request: `upgraded, ${refused}`,
    written: 'upgraded',
    head: 'never: the transport is read by whoever claims it',
    upgrade: 'never: the transport is read by whoever claims it',
    complete: 'never: the transport is read by whoever claims it',
    final: 'never: the transport is read by whoever claims it',
    drain: 'upgraded',
    cancel: 'upgraded',
    fail: 'never: there is no exchange; unclaimed, it is the transport that is destroyed',
    unsolicited: 'upgraded',
    lost: 'upgraded',
    close: 'upgraded',
  },
  closed: {
    request: `closed, ${refused}`,
    written: 'closed',
    head: 'never: the transport is destroyed',
    upgrade: 'never: the transport is destroyed',
    complete: 'never: the transport is destroyed',
    final: 'never: the transport is destroyed',
    drain: 'closed',
    cancel: 'closed',
    fail: 'never: no deadline runs, the upload is stopped',
    unsolicited: 'closed',
    lost: `closed, ${lost}`,
    close: 'closed',
  },
};

const states = Object.keys(transitions) as ConnectionState[];
const inputs = Object.keys(transitions.quiescent) as ConnectionInput[];

describe('The table of transitions', () => {
  it('has no state and no input that is not listed here', () => {
    expect(Object.keys(outcomes)).toEqual(states);
    for (const state of states) expect(Object.keys(transitions[state]).sort()).toEqual([...inputs].sort());
    expect(Object.keys(causes).sort()).toEqual([...inputs].sort());
  });

  describe.each(states)('in %s', state => {
    it.each(inputs)('%s', input => {
      const cell = transitions[state][input];
      const outcome = outcomes[state][input];
      expect(outcome.startsWith('never: ')).toBe(cell === 'never');
      if (cell === 'never') return;

      const scene = drivers[state](input === 'cancel' ? 'chunked' : 'length');
      const { stage, response, body, source } = scene;
      expect(stage.state).toBe(state);
      const told = stage.log.length;
      const written = stage.transport.writes.length;
      // The body of an upgrade, as nobody has asked for it yet.
      const late = state === 'upgraded' ? record(response!.values[0].body) : body;

      const caused = { ...scene, body: late };
      causes[input](caused, state);

      const errors: Record<string, unknown> = {
        response: response?.error,
        body: body?.error,
        second: caused.second?.error,
      };
      const news = stage.log.slice(told).map(entry => {
        const [who, what] = entry.split(':');
        return what === 'error' ? `${entry} ${(errors[who] as Error).constructor.name}` : entry;
      });
      expect([stage.state, ...news].join(', ')).toBe(outcome);

      expect(stage.state).toBe(cell === 'refused' || cell === 'ignored' ? state : cell);
      if (cell === 'refused' || cell === 'ignored') expect(stage.transport.writes.length).toBe(written);
      expect(scene.secondSource.observed).toBe(cell === 'transmitting');
      if (stage.state === 'closed') {
        expect(stage.transport.destroyed || stage.transport.isClosed).toBe(true);
        expect(source.observed).toBe(false);
      }
      for (const one of [response, body]) expect(one?.terminals ?? 0).toBeLessThanOrEqual(1);
      expect(stage.reports).toEqual([]);
    });
  });
});
