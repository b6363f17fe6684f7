import { describe, expect, it } from '@jest/globals';
import * as library from '../../src/index.js';
import type { Mutation } from '../support/bundle.js';
import { without } from './attack.js';
import { proxies } from './proxies.js';

describe('proxies', () => {
  it.each(Object.entries(proxies))('%s', async (_advisory, attack) => {
    expect(await attack(library)).toEqual([]);
  });

  /** Each guard, and the attacks that get through without it. */
  it.each<[string, Mutation, readonly string[]]>([
    [
      'Proxy-Authorization is for proxies',
      {
        file: 'wire/serializeRequestHead.ts',
        from: "fields.proxyAuthorization !== '' && isForProxy(head)",
        to: "fields.proxyAuthorization !== ''",
      },
      ["the caller's own Proxy-Authorization", 'any container'],
    ],
    [
      'the key of a tunnel tells of the server',
      { file: 'agent/ProxyRoute.ts', from: 'this.direct.key(target)', to: "''" },
      ['no connection through a proxy'],
    ],
    [
      'the TLS options are those of the agent',
      {
        file: 'agent/ProxyRoute.ts',
        from: '{ scheduler, ...this.options, connectTimeout }',
        to: '{ scheduler, connectTimeout, rejectUnauthorized: false }',
      },
      ['a bad certificate', 'each TLS option'],
    ],
    [
      'the errors of `socks` are no causes',
      {
        file: 'endpoint/SocksHandshake.ts',
        from: '({ message }) => {',
        to: '(cause) => { const { message } = cause; outcome.failed(new ProxyError(message, undefined, { cause }));',
      },
      ['no error, no event'],
    ],
  ])(
    'would notice it if not: %s',
    async (_guard, mutation, titles) => {
      const unguarded = await without(mutation);
      for (const words of titles) {
        const [, attack] = Object.entries(proxies).find(([title]) => title.includes(words))!;
        expect(await attack(unguarded)).not.toEqual([]);
      }
    },
    60_000,
  );
});
