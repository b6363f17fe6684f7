import { createServer } from 'node:net';
import { Loopback } from '../loopback/Loopback.js';
import { Peer, PeerGone } from '../loopback/ScriptedServer.js';
import { until } from '../loopback/until.js';
import { compose, type Composed } from './compose.js';
import { Ledger } from './Ledger.js';
import type { ServerAnswer, ServerQuestion, ServerReport } from './messages.js';
import { payload, type PayloadKind } from './payload.js';
import { Random } from './Random.js';
import { steadyPorts, type Afterwards, type Answer, type Fault } from './scenario.js';

// server SEED: the server of the soak, in a process of its own. What it does to a request stands in the request's head
// (`X-Script`), so that one request can be run again by itself; what it does to a new connection of the moody port comes
// from the seed.

const seed = Number(process.argv[2]);
const ledger = new Ledger();
const violations: string[] = [];
/** When each unasked message was in the kernel, in ms of the clock that all processes share; from `firstUnasked` on. */
const unasked: number[] = [];
let firstUnasked = 0;
const listeners: Loopback[] = [];

/** ms on CLOCK_MONOTONIC, which is the same in every process of a machine. */
const now = (): number => Number(process.hrtime.bigint()) / 1e6;

interface Order {
  readonly attempt: number;
  readonly answer: Answer;
  readonly sight: number;
}

async function serve(peer: Peer): Promise<void> {
  for (;;) {
    const head = await peer.head();
    const attempt = Number(head.headers.get('x-id'));
    const sight = ledger.sighted(attempt);
    const script = JSON.parse(head.headers.get('x-script')!) as readonly [Answer, Answer];
    const order: Order = { attempt, sight, answer: script[Math.min(sight, 1)] };
    if (!(await exchange(peer, head, order))) break;
  }
  // Nothing that still comes is served: the client is to notice that the connection is of no use.
  await peer.discard();
}

type Head = Awaited<ReturnType<Peer['head']>>;

/** One request and its answer. True if the connection is good for another. */
async function exchange(peer: Peer, head: Head, order: Order): Promise<boolean> {
  const { answer, attempt, sight } = order;
  const { fault, reads } = answer;
  const composed = compose(attempt, sight, head.method, answer);
  if (fault?.kind === 'cut' && fault.at === 'request') {
    const length = Number(head.headers.get('content-length') ?? 0);
    if (length > 0) await peer.bytes(Math.floor(length * fault.part));
    else if (head.headers.get('transfer-encoding') !== 'chunked') executed(head, order, Buffer.alloc(0));
    return stop(peer, fault.how);
  }
  if (reads === 'early') {
    await pause(peer, answer.delay);
    ledger.answered(attempt);
    await send(peer, composed, answer);
    const last = answer.framing === 'close' || answer.close === true;
    // At once: a client that will not send the rest of its upload waits for the end of an answer that only this ends.
    if (last) await stop(peer, 'fin');
    executed(head, order, await peer.body(head));
    return !last;
  }
  if (reads === 'slow') await slowly(peer, head);
  executed(head, order, await peer.body(head));
  await pause(peer, answer.delay);
  ledger.answered(attempt); // whoever has it may be gone before it is known to be sent
  if (!(await send(peer, composed, answer))) return false;
  if (answer.framing === 'close' || answer.close === true) return stop(peer, 'fin');
  if (fault?.kind === 'surplus') return false;
  return answer.after === undefined ? true : await afterwards(peer, answer.after, composed, order);
}

/** The request was read whole: counts that, and compares what came with what its caller has sent. */
function executed(head: Head, { attempt }: Order, body: Buffer): void {
  const times = ledger.executed(attempt);
  const { method, headers } = head;
  const once = method === 'POST' && !headers.has('idempotency-key');
  if (once && times > 1) violations.push(`executed twice: ${method} ${attempt} (${times} times)`);
  if (times > 2) violations.push(`executed thrice: ${method} ${attempt} (${times} times)`);
  const [size, kind] = (headers.get('x-upload') ?? '0 bytes').split(' ');
  const wanted = payload(attempt, Number(size), kind as PayloadKind);
  if (!body.equals(wanted)) {
    violations.push(`wrong upload: ${method} ${attempt}, ${body.length} bytes instead of ${wanted.length}`);
  }
}

/** Makes the client wait while it uploads. */
async function slowly(peer: Peer, { headers }: Head): Promise<void> {
  // Node reads up to 64 KiB ahead, the kernel some more: a large upload stands still.
  await pause(peer, 5 + (Number(headers.get('content-length') ?? 0) % 30));
}

/** Sends an answer in its writes, up to the point where it is to fail. True if that is its end. */
async function send(peer: Peer, { informational, head, body }: Composed, answer: Answer): Promise<boolean> {
  const { fault, writes, gap } = answer;
  const before = Buffer.from(informational + head, 'latin1');
  let bytes = Buffer.concat([before, body]);
  if (fault?.kind === 'cut') {
    const start = { request: 0, answer: 0, head: informational.length, body: before.length }[fault.at];
    const length = { request: 0, answer: 0, head: head.length, body: body.length }[fault.at];
    bytes = bytes.subarray(0, start + Math.floor(length * Math.min(fault.part, 0.999)));
  }
  const also =
    fault === undefined && answer.after?.ms === -1 && speaks(answer.after)
      ? new Unasked(answer.after.what, bytes)
      : null;
  if (also !== null) bytes = Buffer.concat([bytes, also.bytes]);
  const size = Math.max(Math.ceil(bytes.length / writes), 1);
  for (let at = 0; at < bytes.length; at += size) {
    if (at > 0) await (gap > 0 ? pause(peer, gap) : new Promise(resolve => setImmediate(resolve)));
    await peer.send(bytes.subarray(at, at + size));
  }
  also?.sent();
  if (fault?.kind === 'cut') return stop(peer, fault.how);
  if (fault?.kind === 'short') return stop(peer, 'fin');
  // Of what is malformed the client hangs up.
  return fault === undefined || fault.kind === 'surplus';
}

function speaks({ what }: Afterwards): boolean {
  return what === 'timeout' || what === 'answer' || what === 'garbage';
}

/** A message that nobody has asked for. Its number stands in it, to tell it from an answer wherever it turns up. */
class Unasked {
  readonly #number = firstUnasked + unasked.push(Infinity) - 1;
  readonly bytes: Buffer;

  constructor(what: Afterwards['what'], answer: Buffer) {
    const text =
      what === 'garbage'
        ? '\r\nnobody asked for this\r\n'
        : what === 'timeout'
          ? `HTTP/1.1 408 Request Timeout\r\nX-Unasked: ${this.#number}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n`
          : answer.toString('latin1').replace('\r\nX-Id', `\r\nX-Unasked: ${this.#number}\r\nX-Id`);
    this.bytes = Buffer.from(text, 'latin1');
  }

  /** The kernel has it. */
  sent(): void {
    unasked[this.#number - firstUnasked] = now();
  }
}

/** What an idle connection has to expect. True if it is good for another request. */
async function afterwards(peer: Peer, after: Afterwards, composed: Composed, order: Order): Promise<boolean> {
  const { what, ms } = after;
  if (ms >= 0) {
    const { received } = peer;
    await pause(peer, ms);
    // The client was quicker: it is served as if nothing had been meant.
    if (peer.received + peer.socket.readableLength !== received) return true;
    if (speaks(after)) await speak(peer, what, Buffer.concat([Buffer.from(composed.head, 'latin1'), composed.body]));
  }
  if (what === 'close' || what === 'reset' || what === 'fin') return stop(peer, what);
  // As a server does that has given the connection up; some say so, some do not. A request that crosses it is refused.
  if (order.attempt % 2 === 0) peer.fin();
  await peer.bytes(1);
  return stop(peer, 'close');
}

async function speak(peer: Peer, what: Afterwards['what'], answer: Buffer): Promise<void> {
  const message = new Unasked(what, answer);
  await peer.send(message.bytes);
  message.sent();
}

async function pause(peer: Peer, ms: number): Promise<void> {
  if (ms > 0) await peer.pause(ms);
  if (peer.gone) throw new PeerGone();
}

/** Ends the connection, or its usefulness. */
async function stop(peer: Peer, how: (Fault & { kind: 'cut' })['how']): Promise<false> {
  if (how === 'fin') peer.fin();
  else if (how === 'close') peer.close();
  else if (how === 'reset') peer.reset();
  // Longer than the client has patience; then what it sent is read, to see that it has hung up.
  else await peer.pause(400);
  return false;
}

/** What becomes of connection number `count` of the moody port as soon as it is accepted. True: it is served. */
async function accepted(peer: Peer, count: number): Promise<boolean> {
  const random = Random.of(seed, count);
  const mood = random.weighted<'serve' | 'reset' | 'close' | 'fin' | 'speak' | 'late'>([
    [6, 'serve'],
    [1, 'reset'],
    [1, 'close'],
    [1, 'fin'],
    [1, 'speak'],
    [1, 'late'],
  ]);
  if (mood === 'late') await pause(peer, random.int(1, 20));
  if (mood === 'serve' || mood === 'late') return true;
  if (mood === 'speak') {
    await speak(peer, 'timeout', Buffer.alloc(0));
    peer.fin();
  } else await stop(peer, mood);
  return false;
}

async function listen(moody: boolean): Promise<number> {
  const server = createServer({ allowHalfOpen: true });
  const listener = await Loopback.start(server);
  listeners.push(listener);
  server.on('connection', socket => {
    const count = listener.connections;
    const peer = new Peer(socket);
    const life = async (): Promise<void> => {
      if (!moody || (await accepted(peer, count))) await serve(peer);
      else await peer.discard();
    };
    life().catch((error: unknown) => {
      socket.destroy();
      if (!(error instanceof PeerGone)) violations.push(`the server failed: ${String((error as Error).stack)}`);
    });
  });
  return listener.port;
}

async function report({ next }: ServerQuestion): Promise<ServerReport> {
  const open = (): number => listeners.reduce((sum, listener) => sum + listener.open.size, 0);
  await until(() => open() === 0, 'no open connection', 10_000).catch(() => undefined);
  const part: ServerReport = {
    type: 'report',
    open: open(),
    connections: listeners.reduce((sum, listener) => sum + listener.connections, 0),
    ledger: ledger.take(next),
    unasked: unasked.splice(0),
    firstUnasked,
    violations: violations.splice(0),
  };
  firstUnasked += part.unasked.length;
  return part;
}

async function start(): Promise<void> {
  const ports: number[] = [];
  for (let i = 0; i < steadyPorts; i++) ports.push(await listen(false));
  ports.push(await listen(true));
  // One that was free a moment ago may be taken by another process meanwhile.
  ports.push(1);
  process.on('message', question => {
    void report(question as ServerQuestion).then(answer => process.send!(answer));
  });
  process.on('disconnect', () => process.exit());
  process.send!({ type: 'ports', ports } satisfies ServerAnswer);
}

void start();
