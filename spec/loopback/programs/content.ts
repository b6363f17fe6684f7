import { createHash } from 'node:crypto';

/** What the load server answers to request number `id`, and nothing else: its bytes depend on both numbers. */
export function content(id: number, size: number): Buffer {
  const bytes = Buffer.allocUnsafe(size);
  // A generator of its own (xorshift32): equal on both sides, and different for neighbouring ids.
  let state = (id * 2_654_435_761 + size + 1) >>> 0 || 1;
  for (let i = 0; i < size; i++) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    bytes[i] = state & 0xff;
  }
  return bytes;
}

export function checksum(bytes: Uint8Array): string {
  return createHash('sha1').update(bytes).digest('base64url');
}
