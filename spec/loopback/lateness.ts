/** How late a plain timer of `ms` is on this machine now, in ms: what no deadline can be better than. */
export async function lateness(ms: number): Promise<number> {
  const started = performance.now();
  await new Promise(resolve => setTimeout(resolve, ms));
  return performance.now() - started - ms;
}
