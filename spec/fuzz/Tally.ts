/** Something that must not be. */
export interface Found<T> {
  /** Executions until it was found. */
  readonly runs: number;
  /** Which promise it breaks, and how. */
  readonly what: string;
  readonly play: T;
}

/** What a run has looked at: one that never got anywhere found nothing there. */
export class Tally {
  executions = 0;
  /** Of those that were told. */
  bytes = 0;
  /** ms for one input. */
  slowest = 0;
  readonly outcomes: Record<string, number> = {};
  /** How often which divergence was the reason for a difference. */
  readonly rules: Record<string, number> = {};

  count(outcome: string): void {
    this.outcomes[outcome] = (this.outcomes[outcome] ?? 0) + 1;
  }

  explained(rules: readonly string[]): void {
    for (const rule of rules) this.rules[rule] = (this.rules[rule] ?? 0) + 1;
  }
}
