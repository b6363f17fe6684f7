import { createHash } from 'node:crypto';

const longest = 256 * 1024;
const offsets = 4_096;

/** Numbers of a generator of its own (xorshift32), equal in every process. */
const base = Buffer.allocUnsafe(longest + offsets);
let state = 2_463_534_242;
for (let i = 0; i < base.length; i++) {
  state ^= state << 13;
  state ^= state >>> 17;
  state ^= state << 5;
  base[i] = state & 0xff;
}

/** What the load server answers to request number `id`, and nothing else: up to 256 KiB that differ with the id. */
export function content(id: number, size: number): Buffer {
  const bytes = Buffer.from(base.subarray(id % offsets, (id % offsets) + size));
  if (size >= 4) bytes.writeUInt32BE(id);
  return bytes;
}

export function checksum(bytes: Uint8Array): string {
  return createHash('sha1').update(bytes).digest('base64url');
}
