import { describe, expect, it } from '@jest/globals';
import { Agent } from '../../src/agent/index.js';
import { text } from '../../src/operators/index.js';
import { answer, openAgent, record } from '../support/index.js';

describe('agent.keyOf', () => {
  it('is the key under which the pool keeps the connections for a URL', () => {
    const { agent, transports } = openAgent();
    const seen = record(agent.get('http://Example.test:80/path?query').pipe(text()));
    transports[0].respond(answer('done'));
    expect(seen.values).toEqual(['done']);
    const key = agent.keyOf('http://example.test/other');
    expect(agent.pool.keys()).toEqual([key]);
    expect(agent.pool.stats(key)).toMatchObject({ idle: 1, seats: 0 });
  });

  it.each<[string, ConstructorParameters<typeof Agent>[0], string]>([
    ['a base URL', { baseURL: 'http://base.test/v1/' }, 'http://base.test:80'],
    ['a key of the caller', { key: ({ url }) => `mine ${url}` }, 'mine http://base.test/users'],
    ['a proxy', { proxy: 'http://proxy.test:3128' }, 'proxy=http://proxy.test:3128'],
  ])('knows %s', (what, options, key) => {
    const url = what === 'a base URL' ? 'users' : 'http://base.test/users';
    expect(new Agent(options).keyOf(url)).toBe(key);
  });

  it('tells agents apart that trust different servers', () => {
    const [plain, trusting] = [new Agent(), new Agent({ connect: { rejectUnauthorized: false } })];
    const url = 'https://example.test/';
    expect(plain.keyOf(url)).not.toBe(trusting.keyOf(url));
  });

  it('throws for a URL that makes no sense', () => {
    expect(() => new Agent().keyOf('ftp://example.test/')).toThrow(
      expect.objectContaining({ code: 'ERR_INVALID_REQUEST' }),
    );
  });
});
