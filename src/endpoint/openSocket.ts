import type { OnReadOpts, Socket } from 'node:net';
import type { Open } from './dial.js';
import { DialClock } from './DialClock.js';
import { Inbox } from './Inbox.js';
import { isTLS } from './isTLS.js';
import { SocketTransport } from './SocketTransport.js';
import type { TransportInfo } from './Transport.js';

export interface SocketDial<S extends Socket> {
  readonly authority: string;
  readonly connect: (onread: OnReadOpts) => S;
  /** When HTTP bytes may flow. */
  readonly readyAt: 'connect' | 'secureConnect';
  /** Called once, before the transport is handed over. */
  readonly connected: (socket: S) => void;
}

/** Dials with a socket that reads through `onread`. */
export function openSocket<S extends Socket>({ authority, connect, readyAt, connected }: SocketDial<S>): Open {
  return (ready, failed) => {
    const inbox = new Inbox();
    const socket = connect(SocketTransport.onread(inbox));
    const closed = () => failed(new Error('the socket was closed'));
    // First: whatever goes wrong from here on, a socket that nobody listens to would end the process.
    socket.on('error', failed);
    socket.on('close', closed);
    const clock = new DialClock(socket);
    const open = () => {
      // Whatever listens for the dial alone goes: an idle connection shall hold no more memory than it must.
      clock.stop();
      socket.off(readyAt, open);
      socket.off('error', failed);
      socket.off('close', closed);
      connected(socket);
      ready(new SocketTransport(socket, inbox, socketInfo(authority, socket, clock.timings)));
    };
    socket.on(readyAt, open);
    // The listener for errors stays on an aborted socket: an error on its way may still be emitted.
    return () => socket.destroy();
  };
}

export function socketInfo(authority: string, socket: Socket, timings: TransportInfo['timings']): TransportInfo {
  const { localAddress, localPort, remoteAddress, remotePort } = socket;
  const plain = { authority, secure: false, localAddress, localPort, remoteAddress, remotePort, timings };
  if (!isTLS(socket)) return plain;
  const { alpnProtocol, authorized } = socket;
  return { ...plain, secure: true, alpn: alpnProtocol || undefined, authorized, resumed: socket.isSessionReused() };
}
