import type { ConnectionOptions } from 'node:tls';
import { callable, flag, InvalidOptionError } from '../errors/index.js';
import { checkHost } from './checks.js';
import { deepCopy, ownOptions } from './ownOptions.js';
import { checkTCPOptions, type TCPOptions } from './TCPOptions.js';
import type { Endpoint } from './Transport.js';

type Secrets = Pick<ConnectionOptions, 'ca' | 'cert' | 'key' | 'pfx' | 'passphrase'>;

/** The options that make one TLS connection different from another to the same host and port. As in `node:tls`. */
export interface TLSIdentityOptions extends Pick<
  ConnectionOptions,
  'ca' | 'cert' | 'key' | 'pfx' | 'passphrase' | 'ciphers' | 'minVersion' | 'maxVersion' | 'checkServerIdentity'
> {
  /** The name sent to the server (SNI) and looked for in its certificate. @default `host` */
  readonly servername?: string;
  /**
   * The peer's certificate is verified unless this is literally `false`; so is it with `NODE_TLS_REJECT_UNAUTHORIZED`.
   * @default true
   */
  readonly rejectUnauthorized?: boolean;
  /** @default ['http/1.1'] */
  readonly ALPNProtocols?: readonly string[];
}

export interface TLSOptions extends TCPOptions, TLSIdentityOptions {
  /** Resume earlier sessions of the same identity, which saves a round trip. @default true */
  readonly sessionCache?: boolean;
  /** Speak TLS inside this transport, such as a tunnel to `host` and `port`, instead of over a socket of its own. */
  readonly over?: Endpoint;
}

export type CheckedTLSOptions = ReturnType<typeof checkTLSOptions>;

/** Checks and completes the options, once, when the endpoint is made. Of secrets only the type is looked at: no error shows one. */
export function checkTLSOptions(given: TLSOptions) {
  const options = ownOptions(given);
  const tcp = checkTCPOptions(options);
  const { ca, cert, key, pfx, passphrase, ciphers, minVersion, maxVersion } = options;
  return {
    ...tcp,
    // A fully qualified name ends in a dot, its SNI and its certificate do not (RFC 6066 section 3).
    servername: (checkServername(options.servername) ?? tcp.host).replace(/\.$/, ''),
    // Only literally false: an option that got lost (undefined, null, 0) must not turn the verification off.
    rejectUnauthorized: options.rejectUnauthorized !== false,
    secrets: deepCopy({ ...checkSecrets({ ca, cert, key, pfx, passphrase }), ciphers, minVersion, maxVersion }),
    ALPNProtocols: checkALPN(options.ALPNProtocols),
    checkServerIdentity: callable(options, 'checkServerIdentity'),
    sessionCache: flag(options, 'sessionCache', true),
    over: options.over,
  };
}

/** Node's own error for what is no text, no bytes and no object shows its value. */
function checkSecrets(secrets: Secrets): Secrets {
  for (const [option, value] of Object.entries(secrets)) {
    const object = typeof value === 'object' && option !== 'passphrase';
    if (value == null || typeof value === 'string' || object) continue;
    throw new InvalidOptionError(option, value, option === 'passphrase' ? 'a string' : 'a string, bytes, or a list');
  }
  return secrets;
}

function checkServername(value: unknown): string | undefined {
  return value === undefined ? undefined : checkHost('servername', value);
}

function checkALPN(value: unknown): string[] {
  if (value === undefined) return ['http/1.1'];
  if (Array.isArray(value) && value.every(name => typeof name === 'string' && name.length > 0 && name.length < 256)) {
    return [...(value as string[])];
  }
  throw new InvalidOptionError('ALPNProtocols', value, 'a list of protocol names');
}
