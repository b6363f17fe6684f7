import { describe, expect, it } from '@jest/globals';
import * as library from '../../src/index.js';
import { certificate, echo, httpsServer, Program } from '../loopback/index.js';
import { tls } from './tls.js';

describe('tls', () => {
  it.each(Object.entries(tls))(
    '%s',
    async (_advisory, attack) => {
      expect(await attack(library)).toEqual([]);
    },
    30_000,
  );

  it('CVE-2021-22939: nor does the environment turn it off', async () => {
    const server = await httpsServer(echo, certificate('self-signed'));
    const code = 'DEPTH_ZERO_SELF_SIGNED_CERT';
    // In a process of its own: Node does not see what a spec writes to its environment.
    process.env.NODE_TLS_REJECT_UNAUTHORIZED = '0';
    try {
      const outcomes = await new Program('unverified', [server.port]).result();
      expect(outcomes).toEqual({ node: 'connected', left: code, undefined: code });
    } finally {
      delete process.env.NODE_TLS_REJECT_UNAUTHORIZED;
      await server.close();
    }
  });
});
