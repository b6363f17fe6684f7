import { afterEach, describe, expect, it } from '@jest/globals';
import type { ProtocolRequest } from '../../src/protocol/index.js';
import { answer, openConnection } from '../support/index.js';

const polluted: Record<string, unknown> = {
  method: 'DELETE',
  headers: { 'X-Evil': '1', Host: 'evil.test' },
  body: 'evil',
  timeouts: { headers: 1 },
  observer: { sent: () => undefined },
  idempotent: true,
  persistent: false,
  framing: { kind: 'chunked' },
  upgrade: true,
  maxDrain: 0,
  host: 'evil.test',
  destroy: () => undefined,
};

describe('A polluted Object.prototype', () => {
  afterEach(() => {
    for (const name of Object.keys(polluted)) Reflect.deleteProperty(Object.prototype, name);
  });

  const requests: Record<string, ProtocolRequest> = {
    'a bare GET': { path: '/' },
    'a POST with a body': { method: 'POST', path: '/', body: 'hello' },
    headers: { path: '/', headers: { Accept: 'text/plain' } },
  };

  it.each(Object.entries(requests))('changes no byte on the wire, and no deadline: %s', (_name, request) => {
    const clean = openConnection();
    clean.request(request);
    const stage = openConnection();
    const hello = answer('hello');
    for (const [name, value] of Object.entries(polluted)) {
      Object.defineProperty(Object.prototype, name, { value, configurable: true, enumerable: false, writable: true });
    }
    const response = stage.request(request);
    expect(stage.transport.written).toBe(clean.transport.written);
    stage.clock.advance(1_000);
    expect(response.outcome).toBe('nothing');
    stage.transport.respond(hello);
    expect(response.outcome).toBe('value');
    expect(stage.state).toBe('quiescent');
  });
});
