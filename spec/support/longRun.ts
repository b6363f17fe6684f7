/** How often something that must not add up is done: as often as is usual, or less where mutants are tried by the thousand. */
export function longRun(usual: number): number {
  return Math.min(usual, Number(process.env['LONG_RUN'] ?? usual));
}
