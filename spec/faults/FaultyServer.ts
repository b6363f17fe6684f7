import { PeerGone, ScriptedServer, turns, type Peer } from '../loopback/index.js';
import { isBefore, uploads, type Cell, type Phase } from './Cell.js';
import { faults, isConnectFault, type CommittedFaultName } from './faults.js';
import { messageOf, wholeText } from './messageOf.js';
import { uploadedText } from './UploadSource.js';

/** Whole answers, of requests that nothing happens to. */
export const goodAnswers: Readonly<Record<string, string>> = { '/cell': wholeText, '/warm': 'warm', '/next': 'next' };

/** The server of one cell: on one of its connections it commits the fault, on all others it does what it should. */
export class FaultyServer {
  /** Heads of the cell's request that were read, on whichever connection. */
  seen = 0;
  /** Resolves when the fault was committed. */
  readonly struck: Promise<void>;
  #tellStruck!: () => void;
  #server!: ScriptedServer;
  #tellSettled!: () => void;
  readonly #settled = new Promise<void>(resolve => (this.#tellSettled = resolve));

  private constructor(private readonly cell: Cell) {
    this.struck = new Promise(resolve => (this.#tellStruck = resolve));
  }

  static async start(cell: Cell): Promise<FaultyServer> {
    const server = new FaultyServer(cell);
    server.#server = await ScriptedServer.start((peer, connection) =>
      connection === 0 && server.#isStruck ? server.#first(peer) : server.#serve(peer),
    );
    return server;
  }

  /** Where the dial fails, this server is in it only for what leads to that dial, and for what comes after. */
  get #isStruck(): boolean {
    return !isConnectFault(this.cell.fault) || this.cell.lease === 'reused';
  }

  get port(): number {
    return this.#server.port;
  }

  get origin(): string {
    return this.#server.origin;
  }

  /** Connections that are open, as this side sees it. */
  get open(): number {
    return this.#server.loopback.open.size;
  }

  /** The client has heard how its request ended: a server that stalls needs to stall no longer. */
  settled(): void {
    this.#tellSettled();
  }

  /** Rejects if a script made a mistake, or was sent what it should not have been. */
  close(): Promise<void> {
    return this.#server.close();
  }

  async #first(peer: Peer): Promise<void> {
    const { cell } = this;
    if (cell.lease === 'reused') await this.#answer(peer);
    try {
      await this.#walk(peer);
    } catch (error) {
      if (!(error instanceof PeerGone)) throw error;
    } finally {
      this.#tellStruck();
    }
    await this.#settled;
    await peer.left();
  }

  /** The exchange that the fault is a part of, step by step. */
  async #walk(peer: Peer): Promise<void> {
    const { cell } = this;
    const message = messageOf(cell);
    let slow = false;
    const send = (bytes: string): Promise<void> => (slow ? peer.sendInPieces(bytes) : peer.send(bytes));
    const isOverAt = async (phase: Phase): Promise<boolean> => {
      if (cell.phase !== phase) return false;
      const fault = faults[cell.fault as CommittedFaultName];
      // What was sent just now has been read, so that it is the fault alone that comes next.
      if (fault.atOnce !== true && phase !== 'at accept' && phase !== 'after the end') await turns(3);
      const slowDown = (): void => void (slow = true);
      const goesOn = (await fault.commit({ peer, cell, answer: answerOf, slowDown })) === 'goes on';
      this.#tellStruck();
      return !goesOn;
    };

    if (await isOverAt('at accept')) return;
    await peer.arrived(1);
    if (await isOverAt('before the request is read')) return;
    await peer.arrived(20);
    if (await isOverAt('in the request head')) return;
    const head = await peer.head();
    this.seen++;
    // What fails is the dial of the retry, which it takes a lost connection to come to.
    if (isConnectFault(cell.fault)) return peer.close();
    if (cell.phase === 'in the request body') await peer.arrived(uploadedText.length / 2);
    if (await isOverAt('in the request body')) return;
    this.#checkUpload(await peer.body(head));
    if (await isOverAt('after the request')) return;
    await send(message.statusLine[0]);
    if (await isOverAt('in the status line')) return;
    await send(message.statusLine[1]);
    if (await isOverAt('in the response head')) return;
    await send(message.fields);
    if (await isOverAt('after the head')) return;
    await send(message.body[0]);
    if (await isOverAt('mid body')) return;
    await send(message.body[1]);
    if (await isOverAt('before the last chunk')) return;
    await send(message.end);
    if (isBefore(cell.phase, 'after the end') && cell.framing === 'close') return peer.fin();
    if (await isOverAt('after the end')) return;
    if (cell.phase === 'while idle') await this.#settled;
    if (await isOverAt('while idle')) return;
    for (;;) await this.#answer(peer);
  }

  async #serve(peer: Peer): Promise<void> {
    try {
      for (;;) await this.#answer(peer);
    } finally {
      peer.close();
    }
  }

  async #answer(peer: Peer): Promise<void> {
    const { method, path, body } = await peer.request();
    if (path === '/cell') {
      this.seen++;
      this.#checkUpload(body);
    }
    const text = goodAnswers[path];
    const head = `HTTP/1.1 200 OK\r\nContent-Length: ${text.length}\r\n\r\n`;
    await peer.send(method === 'HEAD' ? head : head + text);
  }

  #checkUpload(body: Buffer): void {
    const expected = uploads(this.cell) ? uploadedText : '';
    if (body.toString() !== expected) throw new Error(`The request body came as ${JSON.stringify(body.toString())}`);
  }
}

function answerOf(status: string, text: string): string {
  return `HTTP/1.1 ${status}\r\nContent-Length: ${text.length}\r\n\r\n${text}`;
}
