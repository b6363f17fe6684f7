/** Requests earn no more than so many retries ahead. */
const maxEarned = 100;
/** The floor is earned anew within so many ms. */
const floorTime = 10_000;

/** Ten tenths are a little less than 1. */
const whole = 1 - 1e-9;

/**
 * How many retries there may be among all requests of an interceptor: when a server is in trouble, everybody's retries
 * are what keeps it there. A token bucket: a request puts in `ratio`, and so does time, up to `floor`; a retry takes 1.
 */
export class RetryBudget {
  #earned = 0;
  #floor: number;
  /** When the floor was what it is. */
  #at: number | null = null;

  constructor(
    private readonly ratio: number,
    private readonly floor: number,
  ) {
    this.#floor = floor;
  }

  /** A request is made, for the first time. */
  earn(): void {
    this.#earned = Math.min(this.#earned + this.ratio, maxEarned);
  }

  /** Takes a retry, if there is one. */
  take(now: number): boolean {
    if (this.#earned >= whole) {
      this.#earned--;
      return true;
    }
    const passed = now - (this.#at ?? now);
    // A clock may be set back.
    if (passed > 0) this.#floor = Math.min(this.#floor + (this.floor * passed) / floorTime, this.floor);
    this.#at = now;
    if (this.#floor < whole) return false;
    this.#floor--;
    return true;
  }
}
