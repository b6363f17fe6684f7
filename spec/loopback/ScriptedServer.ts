import { createServer, type Socket } from 'node:net';
import { createServer as createTLSServer, type TLSSocket, type TlsOptions } from 'node:tls';
import { certificate } from './certificate.js';
import { Loopback } from './Loopback.js';

export interface ScriptedRequest {
  readonly method: string;
  readonly path: string;
  /** Names in lower case; of a repeated name the last. */
  readonly headers: ReadonlyMap<string, string>;
  readonly body: Buffer;
}

/**
 * What a server does on one connection, from accept on. `connection` counts from 0. It may end the connection or leave
 * it open; a peer that has gone ends it by an error, which is no fault.
 */
export type Script = (peer: Peer, connection: number) => Promise<void> | void;

/** Thrown by a peer's methods when the client has gone. Ends the script. */
export class PeerGone extends Error {}

/**
 * One connection as a server sees it that may do anything: bytes out at any speed, at any moment, asked for or not; FIN,
 * RST, or silence. It reads only when it is told to, so that a script also decides when the client is held up.
 */
export class Peer {
  /** Every byte that was read and no method has taken yet. */
  #unread = Buffer.alloc(0);
  #finished = false;
  #gone = false;
  readonly #wakers = new Set<() => void>();
  /** Bytes that came from the client so far, read by the script or not. */
  received = 0;
  /** Resolves when the client's connection is closed: a script that stalls awaits this. */
  readonly closed: Promise<void>;

  /** `tcp`: what `socket` runs over, if that speaks TLS. */
  constructor(
    readonly socket: Socket,
    private readonly tcp: Socket = socket,
  ) {
    socket.setNoDelay(true);
    socket.on('error', () => undefined); // resets are what this is for
    socket.on('readable', () => this.#wake());
    socket.on('end', () => {
      this.#finished = true;
      this.#wake();
    });
    this.closed = new Promise(resolve =>
      socket.on('close', () => {
        this.#gone = true;
        this.#wake();
        resolve();
      }),
    );
  }

  /** The client's connection is closed altogether. */
  get gone(): boolean {
    return this.#gone;
  }

  /** Waits for a request's head, up to the empty line. */
  async head(): Promise<Omit<ScriptedRequest, 'body'>> {
    const end = await this.#until('\r\n\r\n');
    const [line, ...fields] = this.#take(end).toString('latin1').trimEnd().split('\r\n');
    const [method, path] = line.split(' ');
    const headers = new Map(
      fields.map(field => {
        const colon = field.indexOf(':');
        return [field.slice(0, colon).toLowerCase(), field.slice(colon + 1).trim()];
      }),
    );
    return { method, path, headers };
  }

  /** Waits for a request with its body. */
  async request(): Promise<ScriptedRequest> {
    const head = await this.head();
    return { ...head, body: await this.body(head) };
  }

  /** The body that belongs to a head. */
  async body({ headers }: Pick<ScriptedRequest, 'headers'>): Promise<Buffer> {
    if (headers.get('transfer-encoding') !== 'chunked') return this.bytes(Number(headers.get('content-length') ?? 0));
    const parts: Buffer[] = [];
    while (true) {
      const size = parseInt(this.#take(await this.#until('\r\n')).toString('latin1'), 16);
      parts.push((await this.bytes(size + 2)).subarray(0, size));
      if (size === 0) return Buffer.concat(parts);
    }
  }

  /** Waits until so many bytes have come, and takes none of them. */
  async arrived(count: number): Promise<void> {
    while (this.#unread.length < count) await this.#more();
  }

  /** Waits for so many bytes. */
  async bytes(count: number): Promise<Buffer> {
    await this.arrived(count);
    return this.#take(count);
  }

  /** Writes, and resolves when the kernel has it all: a client that does not read holds it up. */
  async send(bytes: string | Uint8Array): Promise<void> {
    if (this.#gone || this.socket.destroyed) throw new PeerGone();
    await new Promise<void>((resolve, reject) => {
      // Called as well, in one way or another, for what was not written when the socket is destroyed.
      const written = (error?: Error | null): void =>
        error || this.socket.destroyed ? reject(new PeerGone()) : resolve();
      if (typeof bytes === 'string') this.socket.write(bytes, 'latin1', written);
      else this.socket.write(bytes, written);
    });
  }

  /** Writes in segments of `size` bytes, a turn of the event loop apart. */
  async sendInPieces(bytes: string | Uint8Array, size = 1): Promise<void> {
    const all = typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes;
    for (let at = 0; at < all.length; at += size) {
      await this.send(all.subarray(at, at + size));
      await new Promise(resolve => setImmediate(resolve));
    }
  }

  /** Writes `piece` again and again until the client has gone, or `limit` bytes are out; resolves with their number. */
  async flood(piece: string | Uint8Array, limit: number): Promise<number> {
    const bytes = typeof piece === 'string' ? Buffer.from(piece, 'latin1') : piece;
    let sent = 0;
    try {
      for (; sent < limit; sent += bytes.length) await this.send(bytes);
    } catch (error) {
      if (!(error instanceof PeerGone)) throw error;
    }
    return sent;
  }

  /** Sends FIN; the other direction stays open. */
  fin(): void {
    this.socket.end();
  }

  /** Sends RST. Over TLS as well: it is TCP that is reset. */
  reset(): void {
    this.tcp.resetAndDestroy();
  }

  /** Closes at once, in order as far as the kernel is concerned: FIN if all that came was read, else RST. */
  close(): void {
    this.socket.destroy();
  }

  /** Reads on, and throws away, until the client has finished; then this side is closed as well. */
  async left(): Promise<void> {
    try {
      for (;;) {
        this.#unread = Buffer.alloc(0);
        await this.#more();
      }
    } catch (error) {
      if (!(error instanceof PeerGone)) throw error;
    }
    this.close();
  }

  /** Reads and forgets what comes until the client has finished, which ends the script. */
  async discard(): Promise<never> {
    for (;;) {
      this.#unread = Buffer.alloc(0);
      await this.#more();
    }
  }

  async pause(ms: number): Promise<void> {
    await new Promise(resolve => setTimeout(resolve, ms));
  }

  async #until(mark: string): Promise<number> {
    for (;;) {
      const at = this.#unread.indexOf(mark, 0, 'latin1');
      if (at >= 0) return at + mark.length;
      await this.#more();
    }
  }

  async #more(): Promise<void> {
    const chunk = this.socket.read() as Buffer | null;
    if (chunk !== null) {
      this.received += chunk.length;
      this.#unread = Buffer.concat([this.#unread, chunk]);
      return;
    }
    if (this.#gone || this.#finished) throw new PeerGone();
    await new Promise<void>(resolve => this.#wakers.add(resolve));
  }

  #take(count: number): Buffer {
    const taken = this.#unread.subarray(0, count);
    this.#unread = this.#unread.subarray(count);
    return taken;
  }

  #wake(): void {
    const wakers = [...this.#wakers];
    this.#wakers.clear();
    for (const waker of wakers) waker();
  }
}

/**
 * A server that follows a script, connection by connection: the tool for every fault that `node:http` would never commit.
 *
 * @example
 * const server = await ScriptedServer.start(async peer => {
 *   await peer.request();
 *   await peer.send('HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhel');
 *   peer.reset();
 * });
 */
export class ScriptedServer {
  /** What a script threw that is no `PeerGone`: a mistake of the spec. */
  readonly mistakes: unknown[] = [];
  readonly peers: Peer[] = [];

  private constructor(
    readonly loopback: Loopback,
    readonly origin: string,
  ) {}

  /** Over TLS with the certificate `server`, or what `tls` says, if that is given. */
  static async start(script: Script, { tls }: { readonly tls?: TlsOptions } = {}): Promise<ScriptedServer> {
    /** The sockets below those that speak TLS, which do not lead to them, by the client's port. */
    const encrypted = new Map<number, Socket>();
    const accept = (socket: Socket | TLSSocket): void => {
      const peer = new Peer(socket, encrypted.get(socket.remotePort!));
      server.peers.push(peer);
      void Promise.resolve()
        .then(() => script(peer, server.peers.length - 1))
        .catch((error: unknown) => {
          if (!(error instanceof PeerGone)) server.mistakes.push(error);
        });
    };
    const listener =
      tls === undefined
        ? createServer({ allowHalfOpen: true }, accept)
        : createTLSServer({ ...certificate('server'), allowHalfOpen: true, ...tls }, accept);
    listener.on('tlsClientError', () => undefined);
    if (tls !== undefined) {
      listener.on('connection', (socket: Socket) => {
        const port = socket.remotePort!;
        encrypted.set(port, socket);
        socket.once('close', () => encrypted.delete(port));
      });
    }
    const loopback = await Loopback.start(listener);
    const scheme = tls === undefined ? 'http' : 'https';
    const server = new ScriptedServer(loopback, `${scheme}://${loopback.host}:${loopback.port}`);
    return server;
  }

  get host(): string {
    return this.loopback.host;
  }

  get port(): number {
    return this.loopback.port;
  }

  async close(): Promise<void> {
    await this.loopback.close();
    if (this.mistakes.length > 0) throw new AggregateError(this.mistakes, 'A script failed');
  }
}
