import type { OnReadOpts, Socket } from 'node:net';
import { loopTurn } from '../timing/index.js';
import type { Inbox } from './Inbox.js';
import { isTLS } from './isTLS.js';
import { sharedReadBuffer } from './ReadBuffers.js';
import { StreamTransport } from './StreamTransport.js';
import type { TransportInfo } from './Transport.js';

/**
 * A transport over a `net.Socket` or a `tls.TLSSocket` that reads into the one buffer shared by all sockets
 * (`SocketTransport.onread`), which saves a quarter of the CPU of a request and two thirds of the memory of an idle
 * connection.
 *
 * Gotcha: a reset right behind the last bytes is told as `end()`, and as `closed(ECONNRESET)` within the next two turns of
 * the event loop: who takes the end for the end of a message waits for them before it believes it.
 *
 * @example
 * const inbox = new Inbox();
 * const socket = net.connect({ port, allowHalfOpen: true, onread: SocketTransport.onread(inbox) });
 * socket.once('connect', () => use(new SocketTransport(socket, inbox, info)));
 */
export class SocketTransport extends StreamTransport {
  /** The `onread` option: it must be given when the socket is made, and such a socket emits no 'data'. */
  static onread(inbox: Inbox): OnReadOpts {
    const buffer = sharedReadBuffer();
    return { buffer, callback: size => inbox.arrived(buffer.subarray(0, size), true) };
  }

  constructor(socket: Socket, inbox: Inbox, info: TransportInfo) {
    super(socket, inbox, info);
    readBeforeLoss(socket, inbox);
    // When a reset comes in one poll with the last bytes, libuv reports it as a regular end (uv__stream_io: POLLHUP after
    // a partial read). The error still waits in the socket: reading again gets it, or the same end once more. TLS has
    // no such second read, nor does a FIN mean much there.
    if (!isTLS(socket)) {
      socket.on('end', () => {
        if (!socket.destroyed) socket.pause().resume();
      });
    }
  }
}

/** A UNIX socket that takes no more may go on sending for ever; what it sends is held in memory. */
const maxLastWords = 1024 * 1024;

/**
 * A server that refuses an upload answers it, closes, and resets what still comes. The next write fails then while the
 * answer lies in the socket, unread, and Node would destroy both at once. Here the reads go on until a turn of the loop
 * brings no more, or tells of the loss itself; then what was read is delivered, and in the same breath the loss, so that
 * nobody is lent the connection in between.
 */
function readBeforeLoss(socket: Socket, inbox: Inbox): void {
  const destroy = socket.destroy.bind(socket);
  let keepUntil = Infinity;
  const destroyWhenRead = (error: Error, read: number): void =>
    loopTurn.after(() => {
      if (socket.bytesRead > read && socket.bytesRead < keepUntil) destroyWhenRead(error, socket.bytesRead);
      else destroy(error);
    });
  let failed = false;
  socket.destroy = error => {
    if (error === undefined || !isOfWrite(error) || socket.readableEnded) return destroy(error);
    // Of several writes that fail the first says it all.
    if (failed) return socket;
    failed = true;
    inbox.keepUntilClosed();
    keepUntil = socket.bytesRead + maxLastWords;
    destroyWhenRead(error, socket.bytesRead);
    return socket;
  };
}

function isOfWrite(error: NodeJS.ErrnoException): boolean {
  return error.syscall === 'write';
}
