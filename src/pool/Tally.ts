/** The kinds of state that a place can be in. */
export type PlaceKind = 'connecting' | 'validating' | 'open' | 'idle' | 'retiring' | 'gone';

/**
 * The numbers of a key. They follow from the states of its places and from the links between its gets and dials, and
 * only this file changes them.
 */
export class Tally {
  #connecting = 0;
  #validating = 0;
  #leased = 0;
  #idle = 0;
  #seats = 0;
  #validatingSeats = 0;
  #links = 0;

  /** Number of dials under way. */
  get connecting(): number {
    return this.#connecting;
  }

  /** Number of connections that wait for the loop to poll. */
  get validating(): number {
    return this.#validating;
  }

  /** Number of connections with seats taken. */
  get leased(): number {
    return this.#leased;
  }

  /** Number of idle connections. */
  get idling(): number {
    return this.#idle;
  }

  /** Number of connections that count under the limits. */
  get open(): number {
    return this.#connecting + this.#validating + this.#leased + this.#idle;
  }

  /** Number of seats that leases hold. */
  get seats(): number {
    return this.#seats;
  }

  /** Number of gets that can count on a validating connection. */
  get validatingSeats(): number {
    return this.#validatingSeats;
  }

  /** Number of gets that count on a dial. */
  get links(): number {
    return this.#links;
  }

  /** A place enters a state (1), or leaves it (−1). */
  weigh(kind: PlaceKind, by: 1 | -1): void {
    switch (kind) {
      case 'connecting':
        this.#connecting += by;
        break;
      case 'validating':
        this.#validating += by;
        break;
      case 'open':
      case 'retiring':
        this.#leased += by;
        break;
      case 'idle':
        this.#idle += by;
        break;
      case 'gone':
    }
  }

  /** A lease takes a seat (1), or leaves it (−1). */
  weighSeat(by: 1 | -1): void {
    this.#seats += by;
  }

  /** Validating connections have so many more seats, or fewer. */
  weighValidatingSeats(by: number): void {
    this.#validatingSeats += by;
  }

  /** A get and a dial are linked (1), or unlinked (−1). */
  weighLink(by: 1 | -1): void {
    this.#links += by;
  }
}
