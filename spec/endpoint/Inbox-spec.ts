import { beforeEach, describe, expect, it } from '@jest/globals';
import { Inbox } from '../../src/endpoint/Inbox.js';
import { RecordingSink, turns } from '../loopback/index.js';

// What a socket may do to an inbox and does rarely, step by step. The same contract over real sockets: SocketTransport.
describe('Inbox', () => {
  let inbox: Inbox;
  let valve: string[];
  let sink: RecordingSink;

  const arrive = (text: string, shared = true): boolean => inbox.arrived(Buffer.from(text), shared);

  beforeEach(() => {
    inbox = new Inbox();
    valve = [];
    inbox.attach({ pause: () => valve.push('pause'), resume: () => valve.push('resume') });
    sink = new RecordingSink();
  });

  it('asks for bytes when there is a reader, and not before', () => {
    expect(arrive('a')).toBe(false);
    expect(valve).toEqual([]);
    inbox = new Inbox();
    inbox.attach({ pause: () => valve.push('pause'), resume: () => valve.push('resume') });
    inbox.read(sink);
    expect(valve).toEqual(['resume']);
    expect(arrive('a')).toBe(true);
    expect(sink.log).toEqual(['data:a']);
  });

  it('holds what comes behind a pause(), and asks for more only after it was delivered', async () => {
    inbox.read(sink);
    sink.onData = () => inbox.pause();
    expect(arrive('a')).toBe(false);
    expect(arrive('b')).toBe(false);
    inbox.ended();
    expect(sink.log).toEqual(['data:a']);
    sink.onData = undefined;
    inbox.resume();
    expect(sink.log).toEqual(['data:a']);
    await turns();
    expect(sink.log).toEqual(['data:a', 'data:b', 'end']);
    expect(valve).toEqual(['resume', 'pause']);
  });

  it('stops delivering what it holds when the reader pauses again', async () => {
    inbox.read(sink);
    inbox.pause();
    for (const text of 'abc') arrive(text);
    sink.onData = () => inbox.pause();
    for (const seen of [1, 2, 3]) {
      inbox.resume();
      await turns();
      expect(sink.log).toHaveLength(seen);
    }
    expect(sink.text).toBe('abc');
  });

  it('does not call a sink that has not returned', async () => {
    inbox.read(sink);
    sink.onData = () => {
      if (sink.size > 1) return;
      arrive('b');
      inbox.ended();
      inbox.closed(undefined);
      expect(sink.log).toEqual(['data:a']);
    };
    arrive('a');
    expect(sink.log).toEqual(['data:a']);
    await turns();
    expect(sink.log).toEqual(['data:a', 'data:b', 'end', 'closed']);
  });

  it('copies what it holds of a shared buffer', async () => {
    const buffer = Buffer.from('a');
    inbox.arrived(buffer, true);
    buffer.fill('!');
    inbox.read(sink);
    await turns();
    expect(sink.text).toBe('a');
  });

  it('delivers nothing but the close after discard()', async () => {
    inbox.read(sink);
    inbox.pause();
    arrive('a');
    inbox.discard();
    expect(arrive('b')).toBe(false);
    inbox.unshift(Buffer.from('c'));
    inbox.ended();
    inbox.resume();
    await turns();
    expect(sink.log).toEqual([]);
    inbox.closed(undefined);
    inbox.closed(new Error('again'));
    await turns();
    expect(sink.log).toEqual(['closed']);
  });

  it('tells a paused reader of a loss at once, and of a regular close after what is held', async () => {
    inbox.read(sink);
    inbox.pause();
    arrive('a');
    inbox.closed(new Error('lost'));
    expect(sink.log).toEqual(['closed:lost']);

    inbox = new Inbox();
    sink = new RecordingSink();
    inbox.read(sink);
    inbox.pause();
    arrive('a');
    inbox.ended();
    inbox.closed(undefined);
    await turns();
    expect(sink.log).toEqual([]);
    inbox.resume();
    await turns();
    expect(sink.log).toEqual(['data:a', 'end', 'closed']);
  });

  it('delivers what came before a loss to a reader that is not paused', async () => {
    arrive('a');
    inbox.closed(new Error('lost'));
    inbox.read(sink);
    await turns();
    expect(sink.log).toEqual(['data:a', 'closed:lost']);
  });

  it('tells each sink of the close once, and a told one nothing more', async () => {
    inbox.read(sink);
    inbox.closed(undefined);
    inbox.unshift(Buffer.from('a'));
    inbox.resume();
    inbox.read(sink);
    await turns();
    expect(sink.log).toEqual(['closed']);
    const next = new RecordingSink();
    inbox.read(next);
    await turns();
    expect(next.log).toEqual(['data:a', 'closed']);
  });

  it('asks for no more after the end', async () => {
    inbox.read(sink);
    inbox.ended();
    inbox.pause();
    inbox.resume();
    await turns();
    expect(valve).toEqual(['resume', 'pause']);
  });
});

/** An inbox whose reader holds the view that it was given, and pauses, as a consumer that works asynchronously does. */
function holding(): { readonly inbox: Inbox; view(): string } {
  const inbox = new Inbox();
  const valve = { pause: () => undefined, resume: () => undefined };
  let kept: Uint8Array | undefined;
  inbox.attach(valve);
  inbox.ownBuffer(true);
  inbox.read({
    data: view => {
      kept = view;
      inbox.pause();
    },
    end: () => undefined,
    closed: () => undefined,
  });
  return { inbox, view: () => Buffer.from(kept!).toString() };
}

describe('the private buffer', () => {
  it('stays with whoever works on a view of it when the connection closes', () => {
    const a = holding();
    a.inbox.arrived(Buffer.from('of user A'), true);
    a.inbox.closed(new Error('reset'));
    const b = holding();
    b.inbox.arrived(Buffer.from('OF USER B'), true);
    expect(a.view()).toBe('of user A');
  });

  it('goes to the next when it was given back', () => {
    const a = holding();
    a.inbox.arrived(Buffer.from('of user A'), true);
    a.inbox.ownBuffer(false);
    const b = holding();
    b.inbox.arrived(Buffer.from('OF USER B'), true);
    expect(a.view()).toBe('OF USER B');
  });
});
