import { createPrivateKey } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { tlsIdentity, type TLSIdentityOptions } from '../../src/endpoint/index.js';
import { TLSSessions } from '../../src/endpoint/TLSSessions.js';
import { ca, certificate } from '../loopback/index.js';

const { key, cert } = certificate('client');
const check = (): undefined => undefined;

// No two of these make the same connections.
const different: TLSIdentityOptions[] = [
  {},
  { servername: 'a.test' },
  { servername: 'b.test' },
  { rejectUnauthorized: false },
  { ca },
  { ca: '' },
  { ca: [] },
  { ca: cert },
  { ca: [ca, cert] },
  { ca: [cert, ca] },
  { ca: ca + cert },
  { cert },
  { key },
  { cert, key },
  { key: [{ pem: key, passphrase: 'a' }] },
  { key: [{ pem: key, passphrase: 'b' }] },
  { key: [{ pem: key }] },
  { pfx: key },
  { passphrase: key },
  { passphrase: 'a' },
  { ciphers: 'a' },
  { minVersion: 'TLSv1.2' },
  { minVersion: 'TLSv1.3' },
  { maxVersion: 'TLSv1.2' },
  { ALPNProtocols: [] },
  { ALPNProtocols: ['h2'] },
  { ALPNProtocols: ['h2', 'http/1.1'] },
  { ALPNProtocols: ['h2http/1.1'] },
  { checkServerIdentity: () => undefined },
  { checkServerIdentity: () => undefined },
  { key: createPrivateKey(key) as unknown as string },
  { key: createPrivateKey(certificate('server').key) as unknown as string },
];

describe('tlsIdentity', () => {
  it('tells all options apart that make different connections', () => {
    const identities = different.map(options => tlsIdentity(options));
    expect(new Set(identities).size).toBe(different.length);
  });

  it('is equal for options that are equal in content', () => {
    const make = (): TLSIdentityOptions => ({
      servername: 'a.test',
      ca: [Buffer.from(ca), cert],
      key: [{ pem: Buffer.from(key), passphrase: 'secret' }],
      ALPNProtocols: ['http/1.1'],
      checkServerIdentity: check,
    });
    expect(tlsIdentity(make())).toBe(tlsIdentity(make()));
  });

  it('is equal for what means the same', () => {
    expect(tlsIdentity({ rejectUnauthorized: true })).toBe(tlsIdentity({}));
    expect(tlsIdentity({ rejectUnauthorized: undefined })).toBe(tlsIdentity({}));
    expect(tlsIdentity({ ALPNProtocols: ['http/1.1'] })).toBe(tlsIdentity({}));
    expect(tlsIdentity({ servername: 'A.test' })).toBe(tlsIdentity({ servername: 'a.test' }));
  });

  it('holds no secret, whatever it is', () => {
    fc.assert(
      fc.property(fc.string({ minLength: 4 }), secret => {
        expect(tlsIdentity({ passphrase: secret, key: secret })).toMatch(/^[\w-]{43}$/);
      }),
      { numRuns: 50 },
    );
  });

  it('takes own properties only', () => {
    const polluted = Object.prototype as Record<string, unknown>;
    const expected = tlsIdentity({});
    try {
      polluted['rejectUnauthorized'] = false;
      polluted['ca'] = ca;
      expect(tlsIdentity({})).toBe(expected);
    } finally {
      delete polluted['rejectUnauthorized'];
      delete polluted['ca'];
    }
  });
});

describe('TLSSessions', () => {
  it('keeps the most recently used', () => {
    const sessions = new TLSSessions(2);
    const bytes = Buffer.from('session');
    sessions.set('a', bytes);
    sessions.set('b', bytes);
    expect(sessions.get('a')).toBe(bytes);
    sessions.set('c', bytes);
    expect(sessions.size).toBe(2);
    expect(sessions.get('b')).toBeUndefined();
    expect(sessions.get('a')).toBe(bytes);
    sessions.delete('a');
    expect(sessions.get('a')).toBeUndefined();
  });
});
