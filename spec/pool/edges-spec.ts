import { describe, expect, it } from '@jest/globals';
import { FakeEndpoint, PoolKit } from './support/index.js';

describe('A protocolFactory', () => {
  it('that gives up the get it is called for makes a connection that is closed again', () => {
    const kit: PoolKit = new PoolKit({
      protocolFactory: (transport, context) => {
        get.cancel();
        return kit.protocolFactory(transport, context);
      },
    });
    const endpoint = new FakeEndpoint();
    const get = kit.get('k', endpoint);
    endpoint.dials[0].connect();
    expect(kit.connections.map(({ state }) => state)).toEqual(['closed']);
    expect(kit.holds('k')).toEqual([0, 0, 0, 0]);
    expect(get.lease).toBeUndefined();
  });
});
