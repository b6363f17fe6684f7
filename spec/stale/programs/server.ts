import { openSync, writeSync } from 'node:fs';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { createServer as createTLSServer } from 'node:tls';
import { clock, forged, type Fault } from '../plan.js';

// server MARK [key cert]: answers /ROUND/… with its path, and commits a fault on the connections of a round when it is told
// to by a second port, or by the clock. It writes the round's number to the file MARK when the kernel has taken the fault.

const [markPath, key, cert] = process.argv.slice(2);
const mark = openSync(markPath, 'r+');
const executions = new Map<string, number>();
/** The connections of each round that is not over, and what they have still to send of their answers. */
const rounds = new Map<number, Map<Socket, string>>();
/** The sockets below those that speak TLS, by the client's port. */
const encrypted = new Map<number, Socket>();
/** Committed on each connection as soon as it is accepted. */
let early: { readonly fault: Fault; readonly round: number } | null = null;

function commit(fault: Fault, socket: Socket, done: () => void): void {
  if (fault === 'rst') {
    // It is TCP that is reset, also below TLS.
    const tcp = encrypted.get(socket.remotePort!) ?? socket;
    tcp.once('close', done);
    tcp.resetAndDestroy();
  } else if (fault === 'fin') socket.end(done);
  else if (fault === '408')
    socket.end('HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\nConnection: close\r\n\r\n', done);
  else socket.write(fault === 'forged' ? forged : 'H', done);
}

function marked(round: number): void {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(round);
  writeSync(mark, bytes, 0, 4, 0);
}

/** Commits the fault on all connections of the round, if that is not over. */
function strike(fault: Fault, round: number): void {
  const connections = rounds.get(round) ?? new Map<Socket, string>();
  let left = connections.size;
  for (const [socket, rest] of connections) {
    // Over TLS a record of its own.
    if (rest !== '') socket.write(rest);
    commit(fault, socket, () => {
      if (--left === 0 && rounds.has(round)) marked(round);
    });
  }
}

function answer(socket: Socket, path: string): void {
  const [, kind, number, fault] = path.split('/');
  const round = Number(number);
  const text = `HTTP/1.1 200 OK\r\nContent-Length: ${path.length}\r\n\r\n${path}`;
  // The end of a response that is split comes with the fault.
  const cut = kind === 'split' ? text.length - 4 : text.length;
  if (kind === 'ask') executions.set(path, (executions.get(path) ?? 0) + 1);
  else {
    if (!rounds.has(round)) rounds.set(round, new Map());
    rounds.get(round)!.set(socket, text.slice(cut));
  }
  socket.write(text.slice(0, cut));
  // By the clock.
  if (fault !== undefined) setTimeout(() => strike(fault as Fault, round), clock.fault);
}

function accept(socket: Socket): void {
  socket.setNoDelay(true);
  socket.on('error', () => undefined);
  let received = '';
  socket.on('data', data => {
    received += data.toString('latin1');
    for (;;) {
      const end = received.indexOf('\r\n\r\n') + 4;
      if (end === 3) return;
      const head = received.slice(0, end);
      const length = Number(/content-length: (\d+)/i.exec(head)?.[1] ?? 0);
      if (received.length < end + length) return;
      received = received.slice(end + length);
      answer(socket, head.split(' ')[1]);
    }
  });
  if (early !== null) {
    const { fault, round } = early;
    early = null;
    commit(fault, socket, () => marked(round));
  }
}

const server =
  key === undefined
    ? createServer({ allowHalfOpen: true }, accept)
    : createTLSServer({ key, cert, allowHalfOpen: true }, accept);
if (key !== undefined) {
  server.on('connection', (socket: Socket) => {
    const port = socket.remotePort!;
    encrypted.set(port, socket);
    socket.once('close', () => encrypted.delete(port));
  });
}
// `ring` is answered at once; the client's callback for that is one of the poll phase.
const control = createServer(socket => {
  socket.setNoDelay(true);
  socket.on('error', () => undefined);
  socket.on('data', data => {
    for (const line of data.toString('latin1').trimEnd().split('\n')) {
      const [command, fault, round] = line.split(' ');
      if (command === 'strike') strike(fault as Fault, Number(round));
      else if (command === 'early') early = { fault: fault as Fault, round: Number(round) };
      else if (command === 'over') rounds.clear();
      else if (command === 'twice') {
        socket.write(`${[...executions.values()].filter(count => count > 1).length}\n`);
        executions.clear();
      }
      if (command !== 'strike' && command !== 'twice') socket.write('ok\n');
    }
  });
});

server.listen(0, '127.0.0.1', () => {
  control.listen(0, '127.0.0.1', () => {
    process.send!([server, control].map(listening => (listening.address() as AddressInfo).port));
  });
});
process.on('disconnect', () => process.exit());
