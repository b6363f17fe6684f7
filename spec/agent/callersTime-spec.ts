import { describe, expect, it } from '@jest/globals';
import { Observable, Subscription } from 'rxjs';
import { text } from '../../src/operators/index.js';
import { turns } from '../loopback/index.js';
import { answer, openAgent, record, type FakeTransport } from '../support/index.js';

const url = 'http://a.test/';

describe('the time that functions of the caller take', () => {
  it('is not taken for silence of the server: that of a body is made before the request is written', () => {
    const { agent, clock, transports } = openAgent();
    const body = (): string => {
      clock.frame += 400; // no timer fires meanwhile
      return 'x';
    };
    const seen = record(agent.post(url, body, { timeouts: { headers: 200 } }));
    clock.advance(150);
    transports[0].respond(answer('hi'));
    expect([seen.outcome, seen.values[0].timings.wait]).toEqual(['value', 150]);
  });

  it.each(['endpoint', 'key'] as const)('is counted for idle connections: that of `%s`', name => {
    let takes = 0;
    const stage = openAgent({ pool: { cachedConnectionTimeout: 100 } });
    const agent = stage.agent.extend({
      [name]: () => {
        stage.clock.frame += takes;
        return name === 'key' ? 'k' : stage.endpoint;
      },
    });
    record(agent.get(url).pipe(text()));
    stage.transports[0].respond(answer('hi'));
    takes = 150; // the machine sleeps: the timer of the idle connection does not fire
    record(agent.get(url).pipe(text()));
    expect(stage.transports).toHaveLength(2);
  });

  it('is counted for a get within a callback that then takes long', () => {
    const { agent, clock, transports } = openAgent({ pool: { cachedConnectionTimeout: 100 } });
    record(agent.get(url).pipe(text()));
    transports[0].respond(answer('hi'));
    agent.pool.events.subscribe(({ type, key }) => {
      if (type !== 'leased' || !key.startsWith('http://b.test')) return;
      record(agent.get(url).pipe(text()));
      clock.frame += 150;
    });
    record(agent.get('http://b.test/').pipe(text()));
    expect(transports).toHaveLength(3); // a's, b's, and a new one of a
  });
});

describe('the time that an endpoint takes to be subscribed to', () => {
  it('is counted for a get from within it', () => {
    const stage = openAgent({ pool: { cachedConnectionTimeout: 100 } });
    record(stage.agent.get(url).pipe(text()));
    stage.transports[0].respond(answer('hi'));
    const slow$ = new Observable<FakeTransport>(subscriber => {
      record(stage.agent.get(url).pipe(text()));
      stage.clock.frame += 150;
      return stage.endpoint.subscribe(subscriber);
    });
    record(stage.agent.pool.get('other', slow$));
    expect(stage.transports).toHaveLength(3); // url's, the other's, and a new one of url
  });
});

describe('a request that is unsubscribed from by what it calls itself', () => {
  it.each(['sent', 'body'] as const)('is cancelled: from within %s', async from => {
    const { agent, transports } = openAgent({ pool: { validateIdle: true } });
    const subscription = new Subscription();
    const leave = (): string => {
      subscription.unsubscribe();
      return 'x';
    };
    const options = from === 'sent' ? { observer: { sent: leave } } : {};
    subscription.add(agent.post(url, from === 'body' ? leave : 'x', options).subscribe());
    await turns(4);
    expect(subscription.closed).toBe(true);
    // From within the function that makes the body nothing was sent yet: the connection stays.
    expect([agent.pool.stats().leased, transports[0].destroyed]).toEqual([0, from === 'sent']);
  });
});
