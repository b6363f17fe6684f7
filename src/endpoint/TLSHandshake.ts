import { X509Certificate } from 'node:crypto';
import { isIP } from 'node:net';
import {
  checkServerIdentity,
  type ConnectionOptions,
  createSecureContext,
  type PeerCertificate,
  type SecureContext,
  type TLSSocket,
} from 'node:tls';
import { ownOptions } from './ownOptions.js';
import { tlsIdentity } from './tlsIdentity.js';
import type { CheckedTLSOptions } from './TLSOptions.js';
import { tlsSessions } from './TLSSessions.js';

/** What the dials of one `tls` endpoint have in common: the certificates, read once, and the sessions to resume. */
export class TLSHandshake {
  readonly #options: CheckedTLSOptions;
  #context: SecureContext | undefined;
  #sessionKey: string | undefined;

  constructor(options: CheckedTLSOptions) {
    this.#options = options;
  }

  /**
   * For `tls.connect`. Each option that bears on trust stands here with its own value, be it undefined: Node looks for
   * absent ones on `Object.prototype` as well, and for `rejectUnauthorized` in the environment.
   */
  connectOptions(): ConnectionOptions {
    const { servername, rejectUnauthorized, ALPNProtocols, sessionCache, secrets } = this.#options;
    const own: ConnectionOptions & { requestOCSP?: undefined } = {
      // Made at the first dial, not with the endpoint: most endpoints made for a request never dial.
      secureContext: (this.#context ??= createSecureContext(ownOptions(secrets))),
      rejectUnauthorized,
      checkServerIdentity: (_name, certificate) => this.#checkIdentity(certificate),
      // No SNI for an IP address (RFC 6066 section 3); empty also keeps Node from taking the host.
      servername: isIP(servername) === 0 ? servername : '',
      ALPNProtocols: ALPNProtocols.length > 0 ? ALPNProtocols : undefined,
      session: sessionCache ? tlsSessions.get(this.#key) : undefined,
      pskCallback: undefined,
      requestOCSP: undefined,
      enableTrace: undefined,
    };
    return ownOptions(own);
  }

  /** Keeps the sessions of a connection, but none of one that was not verified. */
  keepSessions(socket: TLSSocket): void {
    if (!this.#options.sessionCache) return;
    const key = this.#key;
    let verified = false;
    // TLS 1.2 tells of its session before the certificate is verified, TLS 1.3 after the handshake.
    let early: Buffer | undefined;
    socket.on('session', (session: Buffer) => {
      if (verified) tlsSessions.set(key, session);
      else early = session;
    });
    socket.once('secureConnect', () => {
      verified = true;
      if (early !== undefined) tlsSessions.set(key, early);
      early = undefined;
    });
    // It may have been the session that the server did not like.
    socket.once('error', () => {
      if (!verified) tlsSessions.delete(key);
    });
  }

  get #key(): string {
    const { host, port, servername, secrets, rejectUnauthorized, ALPNProtocols, checkServerIdentity } = this.#options;
    const identity = { ...secrets, servername, rejectUnauthorized, ALPNProtocols, checkServerIdentity };
    return (this.#sessionKey ??= `${host}:${port} ${tlsIdentity(identity)}`);
  }

  /** Against the name that was asked for, also if it is an IP address, for which Node is given no servername. */
  #checkIdentity(certificate: PeerCertificate): Error | undefined {
    const { servername, checkServerIdentity: custom } = this.#options;
    try {
      if (custom !== undefined) return custom(servername, certificate);
      const error = checkServerIdentity(servername, certificate);
      // Node 22.23 takes an IPv6 address for a host name, and finds it in no certificate.
      const isThere = error && isIP(servername) === 6 && new X509Certificate(certificate.raw).checkIP(servername);
      return isThere ? undefined : error;
    } catch (error) {
      // It runs inside a callback of the handshake: what it throws would end the process.
      return error as Error;
    }
  }
}
