/** A copy of a range, in memory that holds nothing else. */
export function copyBytes(bytes: Uint8Array, start: number, end: number): Uint8Array {
  // Not Buffer.slice, which is a view, and not Buffer.from, whose memory is shared with other buffers.
  return Uint8Array.prototype.slice.call(bytes, start, end);
}
