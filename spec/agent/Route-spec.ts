import { expect, it } from '@jest/globals';
import { TestScheduler } from 'rxjs/testing';
import { Agent, ConnectTimeoutError } from '../../src/index.js';

it("the connect deadline of an agent runs on its pool's clock", () => {
  const scheduler = new TestScheduler(() => undefined);
  const agent = new Agent({
    pool: { scheduler },
    timeouts: { connect: 5_000 },
    connect: { lookup: () => undefined }, // a name server that never answers
  });
  let error: unknown;
  agent.get('http://name.test/').subscribe({ error: (reason: unknown) => (error = reason) });
  scheduler.maxFrames = 4_999;
  scheduler.flush();
  expect(error).toBeUndefined();
  scheduler.maxFrames = 5_000;
  scheduler.flush();
  expect(error).toBeInstanceOf(ConnectTimeoutError);
});
