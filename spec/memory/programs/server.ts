import { createServer, type AddressInfo, type Socket } from 'node:net';

// server: sends as much as anybody takes, takes as much as it is told to, and counts both.

/** What the server saw, in bytes and ms. */
export interface Seen {
  /** Handed to the kernel, all connections together. */
  readonly sent: number;
  readonly received: number;
  /** The longest time that it could not send anything on a connection. */
  readonly heldUp: number;
  readonly connections: number;
  readonly open: number;
}

let sent = 0;
let received = 0;
let connections = 0;
let longest = 0;
/** When a write that the kernel has not taken was made, by connection. */
const waiting = new Map<Socket, number>();

function seen(): Seen {
  const now = performance.now();
  const heldUp = Math.max(longest, ...[...waiting.values()].map(since => now - since));
  return { sent, received, heldUp: Math.round(heldUp), connections, open: sockets.size };
}

/** Writes, and goes on when the kernel has it all. */
function write(socket: Socket, bytes: Buffer | string, then: () => void = () => undefined): void {
  waiting.set(socket, performance.now());
  socket.write(bytes, 'latin1', error => {
    longest = Math.max(longest, performance.now() - (waiting.get(socket) ?? Infinity));
    waiting.delete(socket);
    if (error) return;
    sent += bytes.length;
    then();
  });
}

/** Writes a piece again and again, as fast as it is taken. */
function flood(socket: Socket, piece: Buffer | string, times: number, then: () => void = () => undefined): void {
  if (times === 0) then();
  else write(socket, piece, () => flood(socket, piece, times - 1, then));
}

const pieceSize = 65_536;
const piece = Buffer.alloc(pieceSize, 'x');
const chunk = Buffer.concat([Buffer.from(`${pieceSize.toString(16)}\r\n`), piece, Buffer.from('\r\n')]);
const ok = 'HTTP/1.1 200 OK\r\n';
const chunked = `${ok}Transfer-Encoding: chunked\r\n\r\n`;
const endless = Infinity;

const answers: Record<string, (socket: Socket, size: number, rest: Buffer) => void> = {
  hello: socket => write(socket, `${ok}Content-Length: 5\r\n\r\nhello`),
  begin: socket => {
    sent = received = longest = connections = 0;
    write(socket, `${ok}Content-Length: 0\r\n\r\n`);
  },
  seen: socket => {
    const text = JSON.stringify(seen());
    socket.write(`${ok}Content-Length: ${text.length}\r\n\r\n${text}`);
  },
  // Bodies of a size, in the three framings.
  length: (socket, size) => {
    write(socket, `${ok}Content-Length: ${size}\r\n\r\n`, () => flood(socket, piece, size / pieceSize));
  },
  chunked: (socket, size) => {
    write(socket, chunked, () => flood(socket, chunk, size / pieceSize, () => write(socket, '0\r\n\r\n')));
  },
  close: (socket, size) => {
    write(socket, `${ok}\r\n`, () => flood(socket, piece, size / pieceSize, () => socket.end()));
  },
  // A chunk for every byte, for ever.
  ones: socket => write(socket, chunked, () => flood(socket, '1\r\nx\r\n'.repeat(10_000), endless)),
  // A segment for every byte.
  bytes: (socket, size) => {
    write(socket, `${ok}Content-Length: ${size}\r\n\r\n`, () => flood(socket, 'x', size));
  },
  // What is never a body, for ever.
  head: socket => write(socket, ok, () => flood(socket, 'X-Field: value\r\n'.repeat(100), endless)),
  field: socket => write(socket, `${ok}X-Field: `, () => flood(socket, 'x'.repeat(1_000), endless)),
  informational: socket => flood(socket, 'HTTP/1.1 102 Processing\r\nX-Field: value\r\n\r\n', endless),
  extensions: socket => write(socket, chunked, () => flood(socket, '1;name=value\r\nx\r\n'.repeat(100), endless)),
  extension: socket => write(socket, `${chunked}1`, () => flood(socket, ';name=value'.repeat(100), endless)),
  trailers: socket => write(socket, `${chunked}0\r\n`, () => flood(socket, 'X-Field: value\r\n'.repeat(100), endless)),
  // Takes all of an upload, or so much of it and no more.
  take: (socket, size, rest) =>
    take(socket, size, rest, () => {
      listen(socket);
      answers.hello(socket, 0, rest);
    }),
  stop: (socket, size, rest) => take(socket, size, rest, () => socket.pause()),
};

function take(socket: Socket, size: number, rest: Buffer, then: () => void): void {
  let left = size;
  const more = (bytes: Buffer): void => {
    received += bytes.length;
    left -= bytes.length;
    if (left <= 0) then();
  };
  socket.removeAllListeners('data').on('data', more);
  more(rest);
}

const sockets = new Set<Socket>();
const server = createServer(socket => {
  connections++;
  sockets.add(socket);
  socket.setNoDelay(true);
  socket.on('error', () => undefined);
  socket.on('close', () => {
    sockets.delete(socket);
    waiting.delete(socket);
  });
  listen(socket);
});

function listen(socket: Socket): void {
  socket.removeAllListeners('data').on('data', data => {
    // A head is short, and comes in one piece.
    const rest = data.subarray(data.indexOf('\r\n\r\n') + 4);
    const [name, size] = data.toString('latin1').split(' ', 2)[1].slice(1).split('/');
    answers[name](socket, Number(size), rest);
  });
}

server.listen(0, '127.0.0.1', 8_192, () => process.send!((server.address() as AddressInfo).port));
process.on('disconnect', () => process.exit());
