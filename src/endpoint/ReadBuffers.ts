/** Bytes. 64 KiB is what libuv asks for; larger read buffers gained nothing when measured. */
const SIZE = 64 * 1024;
/** Private buffers kept for the next who asks: 1 MiB in all. More than that in use at once are left to the collector. */
const KEPT = 16;

const free: Buffer[] = [];
let shared: Buffer | undefined;

/**
 * The one buffer that all sockets of the process read into. libuv calls back synchronously after each read, so that
 * nobody overwrites it before the callback returns; after that anybody does.
 */
export function sharedReadBuffer(): Buffer {
  return (shared ??= Buffer.allocUnsafeSlow(SIZE));
}

/** A buffer of the same size for one reader alone, from the free list if there is one. */
export function takeReadBuffer(): Buffer {
  return free.pop() ?? Buffer.alloc(SIZE);
}

/**
 * Gives a private buffer back. The caller forgets it: the next reader writes to it. It is emptied, as who is handed a
 * view of a part can look at the whole, and that must not hold what another connection has read.
 */
export function giveReadBuffer(buffer: Buffer): void {
  if (free.length < KEPT) free.push(buffer.fill(0));
}
