/** Resolves when `condition` holds, looked at once per turn of the event loop; rejects after `ms`. */
export async function until(condition: () => boolean, expected = 'the condition to hold', ms = 4_000): Promise<void> {
  const deadline = Date.now() + ms;
  while (!condition()) {
    if (Date.now() > deadline) throw new Error(`Waited ${ms} ms for ${expected}`);
    // Not setImmediate, which would keep the loop from sleeping and the peer from its share of the processor.
    await new Promise(resolve => setTimeout(resolve, 1));
  }
}

/** Resolves when the event loop has polled for I/O so many times: for what must not have happened by then. */
export async function turns(count = 3): Promise<void> {
  for (let i = 0; i < count; i++) await new Promise(resolve => setImmediate(resolve));
}
