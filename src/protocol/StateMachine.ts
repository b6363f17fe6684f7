import { transitions, type ConnectionInput, type ConnectionState } from './transitions.js';

/** The state of one connection. It changes by the table in `transitions.ts` only. */
export class StateMachine {
  #state: ConnectionState = 'quiescent';

  constructor(private readonly context: { report(error: unknown): void }) {}

  get state(): ConnectionState {
    return this.#state;
  }

  /** Takes one step of the table. Returns the new state, or null if the input does nothing in this state. */
  enter(input: ConnectionInput): ConnectionState | null {
    const next = transitions[this.#state][input];
    if (next === 'refused' || next === 'ignored') return null;
    if (next !== 'never') return (this.#state = next);
    // A defect of the protocol. It is reported, and the connection is not trusted any more.
    this.context.report(new Error(`HTTP11ClientProtocol: ${input} cannot happen while ${this.#state}`));
    return (this.#state = 'closed');
  }
}
