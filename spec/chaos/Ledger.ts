/**
 * What the server did, by attempt: an execution is a request that was read whole, whether or not it was answered. The
 * numbers of attempts are consecutive, and counted in parts (`take`), so that a long run needs no more than a short one.
 */
export class Ledger {
  #first = 0;
  #executions = new Uint8Array(1_024);
  #answers = new Uint8Array(1_024);
  #sights = new Uint8Array(1_024);

  /** How often the head of this attempt has come before. */
  sighted(attempt: number): number {
    const at = this.#at(attempt); // first: it may make new arrays
    return this.#sights[at]++;
  }

  /** Counts an execution; returns the number of them. */
  executed(attempt: number): number {
    const at = this.#at(attempt);
    return ++this.#executions[at];
  }

  /** Its answer was begun. */
  answered(attempt: number): void {
    const at = this.#at(attempt);
    this.#answers[at]++;
  }

  /** What was counted since the last call, from attempt number `first` on; the next part begins at `next`. */
  take(next: number): LedgerPart {
    const first = this.#first;
    const length = next - first;
    this.#at(Math.max(next, first + 1) - 1);
    const part = {
      first,
      executions: base64(this.#executions.subarray(0, length)),
      answers: base64(this.#answers.subarray(0, length)),
    };
    this.#executions = this.#executions.slice(length);
    this.#answers = this.#answers.slice(length);
    this.#sights = this.#sights.slice(length);
    this.#first = next;
    return part;
  }

  #at(attempt: number): number {
    const at = attempt - this.#first;
    if (at < 0) throw new RangeError(`Attempt ${attempt} came after its part of the ledger was closed`);
    while (at >= this.#sights.length) {
      this.#executions = grown(this.#executions);
      this.#answers = grown(this.#answers);
      this.#sights = grown(this.#sights);
    }
    return at;
  }
}

/** A part of a ledger as it is sent between processes. */
export interface LedgerPart {
  readonly first: number;
  readonly executions: string;
  readonly answers: string;
}

function grown(counts: Uint8Array): Uint8Array<ArrayBuffer> {
  const more = new Uint8Array(Math.max(counts.length * 2, 1_024));
  more.set(counts);
  return more;
}

export function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64');
}
