import type { Ground } from './Ground.js';

export type TransportName = 'tcp' | 'tls' | 'unix';

/** Where a server listens: a port of 127.0.0.1, or the path of a socket. */
export type Address = number | string;

/** How an instance of a server is set up. */
export interface Settings {
  /** It closes a connection after so many requests. */
  readonly requestsPerConnection: number;
  /** It closes a connection that is idle for so many seconds. */
  readonly idleTimeout: number;
  /** It answers 413 to longer request bodies than so many bytes. */
  readonly maxBody: number;
}

/** What the checks may expect of a server, beyond what all can. */
export interface Abilities {
  /** It can limit the requests of a connection. */
  readonly requestLimit: boolean;
  /** It answers 206 to ranges. */
  readonly ranges: boolean;
  /** It compresses text for those who accept gzip. */
  readonly gzip: boolean;
  /** It sends, or passes on, informational responses: 103, and a 100 that nobody asked for. */
  readonly informational: boolean;
  /** A request with the header `Old` is answered in HTTP/1.0, without keep-alive. */
  readonly oldVersion: boolean;
  /** Where its limit on bodies holds. */
  readonly limitedPath: string;
  /** A reload keeps the listening socket and lets running requests end; a restart closes it for a moment. */
  readonly renewal: 'reload' | 'restart';
}

/** An instance that runs. */
export interface Instance {
  /** Reloads it, or stops and starts it anew at the same addresses; see `Abilities.renewal`. */
  renew(): Promise<void>;
  stop(): Promise<void>;
  /** The proxy by which its servers are to be reached, with its credentials. */
  readonly proxy?: string;
}

/**
 * One kind of server. All of them answer, on every transport:
 *
 * - `/files/NAME`: the files of the ground, as a file server does
 * - `/empty`: 204; `/moved`: 302
 * - `/app/…`: what an application answers, see `backend.ts`; those that run none pass it on to that
 *
 * and say in `X-Connection` by which connection a request came, in `X-Id` which `id` its query had, where they can.
 */
export interface Server {
  readonly name: string;
  /** What Debian calls it. */
  readonly packages: readonly string[];
  /** A command that succeeds if all is there. */
  readonly present: readonly string[];
  version(): string;
  /** It is a proxy, with nginx behind it, which is asked by HTTP (`tcp`) and HTTPS (`tls`). */
  readonly isProxy?: boolean;
  readonly transports: readonly TransportName[];
  readonly abilities: Abilities;
  start(ground: Ground, folder: string, settings: Settings, addresses: Addresses): Promise<Instance>;
}

/** Where an instance is to listen. With TLS there is a second port, `mutual`, where clients need a certificate too. */
export type Addresses = Readonly<Record<TransportName | 'mutual', Address>>;
