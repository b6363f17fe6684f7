/** What was thrown, in words. It may be anything, and to tell of it must not throw once more. */
export function textOf(thrown: unknown): string {
  try {
    return String(thrown);
  } catch {
    return `a ${typeof thrown} that has no words`;
  }
}
