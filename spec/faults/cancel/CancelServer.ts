import { ScriptedServer, turns, type Peer } from '../../loopback/index.js';
import { numberOf, type State } from './cells.js';

const halves = ['the first half, ', 'and the second'] as const;
/** The answer to `/cell`. */
export const cellText = halves.join('');

/** The server of one cell: it leads the first request for `/cell` to the cell's state and waits there. */
export class CancelServer {
  /** Requests for `/cell`. */
  seen = 0;
  /** The request that others queue behind is here. */
  holding = false;
  /** Resolves when the state is reached, and the client has read all that leads to it. */
  readonly reached: Promise<void>;
  #tellReached!: () => void;
  #release!: () => void;
  readonly #released: Promise<void>;
  #server!: ScriptedServer;

  private constructor(private readonly state: State) {
    this.reached = new Promise(resolve => (this.#tellReached = resolve));
    this.#released = new Promise(resolve => (this.#release = resolve));
  }

  static async start(state: State): Promise<CancelServer> {
    const server = new CancelServer(state);
    server.#server = await ScriptedServer.start(peer => server.#serve(peer));
    return server;
  }

  get origin(): string {
    return this.#server.origin;
  }

  get port(): number {
    return this.#server.port;
  }

  get open(): number {
    return this.#server.loopback.open.size;
  }

  /** It waits no more, and answers in order, if there is anybody to answer to. */
  release(): void {
    this.#release();
  }

  close(): Promise<void> {
    return this.#server.close();
  }

  async #serve(peer: Peer): Promise<void> {
    try {
      for (;;) await this.#exchange(peer);
    } finally {
      peer.close();
    }
  }

  async #exchange(peer: Peer): Promise<void> {
    const head = await peer.head();
    const name = head.path.slice(1);
    if (name === 'cell' && this.seen++ === 0) return this.#lead(peer, head);
    await peer.body(head);
    if (name === 'holder') {
      this.holding = true;
      await this.#released;
    }
    const text = name === 'cell' ? cellText : name;
    await peer.send(`HTTP/1.1 200 OK\r\nContent-Length: ${text.length}\r\n\r\n${text}`);
  }

  async #lead(peer: Peer, head: Awaited<ReturnType<Peer['head']>>): Promise<void> {
    const number = numberOf(this.state);
    const chunked = this.state.includes('unknown length');
    const [first, second] = halves;
    const length = chunked ? 'Transfer-Encoding: chunked' : `Content-Length: ${cellText.length}`;
    const steps: (() => Promise<unknown>)[] = [
      async () => peer.body(head),
      async () => peer.send('HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 200 OK\r\nContent-'),
      async () => peer.send(`Type: text/plain\r\n${length}\r\n\r\n`),
      async () => {
        // Not in one read with the head: then the first `next` would come before `subscribe` has returned, from inside of
        // which there is nothing to unsubscribe yet.
        await turns(3);
        await peer.send(chunked ? chunk(first) : first);
      },
      async () => peer.send(chunked ? chunk(second) + chunk('') : second),
    ];
    const before = { 6: 0, 7: 1, 8: 2, 9: 2, 13: 5, 14: 5, 15: 5 }[number] ?? 4;
    for (const step of steps.slice(0, before)) await step();
    await turns(3);
    this.#tellReached();
    if (before < steps.length) await this.#released;
    // A client that has gone does not stop it here: the read that follows tells.
    for (const step of steps.slice(before)) await step();
  }
}

function chunk(of: string): string {
  return `${of.length.toString(16)}\r\n${of}\r\n`;
}
