import { Outcome, type EpochReport, type ServerReport } from './messages.js';
import { attemptsPerCall } from './scenario.js';

// What must hold, whatever the server does:
//
// wrong answer         a body that comes to its end is that of its own request, byte by byte
// faults are errors    what the server did wrong is never taken for an answer
// needless failure     a request to a server that does right, by a caller who waits, is answered
// one outcome          one end for each subscription, and nothing after it or after unsubscribe
// error family         every error is an `HTTPClientError` with a code
// hung                 everything ends within its deadlines
// executed once        no request that may do harm is executed twice, no other more than twice by one attempt
// not sent             an error that says that nothing was sent is true
// stale                what had come before a connection was handed out is not taken for an answer
// caps, stats          leased + idle + connecting ≤ max; stats and events tell the same
// chain                a chain of requests needs one connection
// close                a closed pool holds nothing, soon
// leftovers            nothing is left: sockets, timers, listeners, sources of uploads, connections at the server, heap
// unhandled, reports   nothing is thrown where nobody can catch it, and no defect reported

/** How many findings of one invariant are told in full. */
const told = 3;

/** What was found, by invariant. */
export class Findings {
  readonly #counts = new Map<string, number>();
  readonly #first = new Map<string, string>();

  constructor(private readonly tell: (text: string) => void) {}

  add(invariant: string, detail: string): void {
    const count = (this.#counts.get(invariant) ?? 0) + 1;
    this.#counts.set(invariant, count);
    if (count === 1) this.#first.set(invariant, detail.split('\n')[0].slice(0, 120));
    if (count <= told) this.tell(`FOUND ${invariant}: ${detail}`);
  }

  get count(): number {
    return [...this.#counts.values()].reduce((sum, count) => sum + count, 0);
  }

  get summary(): string {
    if (this.count === 0) return 'nothing';
    return [...this.#counts]
      .map(([invariant, count]) => `${invariant} (${count}): ${this.#first.get(invariant)}`)
      .join('; ');
  }
}

/** Holds what callers were told against what the server did. */
export function judgeLedger(findings: Findings, part: EpochReport, report: ServerReport): void {
  for (const violation of report.violations) findings.add(violation.split(':')[0], violation);
  if (report.open > 0) findings.add('leftovers', `${report.open} connections are open at the server`);
  const outcomes = Buffer.from(part.outcomes, 'base64');
  const idempotent = Buffer.from(part.idempotent, 'base64');
  const executions = Buffer.from(report.ledger.executions, 'base64');
  const answers = Buffer.from(report.ledger.answers, 'base64');
  for (const [at, number] of outcomes.entries()) {
    const outcome = number as Outcome;
    const attempt = report.ledger.first + at;
    const done = `attempt ${attempt} (request ${Math.floor(attempt / attemptsPerCall)}) was executed ${executions[at]} times, answered ${answers[at]} times`;
    if (outcome === Outcome.NotSent && executions[at] > 0) findings.add('not sent', done);
    if (outcome === Outcome.Answered && answers[at] === 0) findings.add('answered by nobody', done);
    if (executions[at] > (idempotent[at] === 1 ? 2 : 1)) findings.add('executed once', done);
  }
}

/** Answers that nobody had asked for: what was in the kernel before the request was begun must have been seen. */
export function judgeRaces(findings: Findings, part: EpochReport, { unasked, firstUnasked }: ServerReport): void {
  for (const { unasked: number, attempt, since } of part.raced) {
    const sent = unasked[number - firstUnasked];
    // A ms for the way through the kernel.
    if (since !== null && sent + 1 < since) {
      findings.add(
        'stale',
        `attempt ${attempt} got message ${number}, sent ${(since - sent).toFixed(1)} ms before it began`,
      );
    }
  }
  const most = 10 + unasked.length / 10;
  if (part.raced.length > most)
    findings.add('stale', `${part.raced.length} of ${unasked.length} unasked messages were taken for answers`);
}

/** The first epochs compile and fill caches. */
export function judgeHeap(findings: Findings, heaps: readonly number[]): void {
  if (heaps.length < 5) return;
  const growth = heaps[heaps.length - 1] - heaps[2];
  // 300 bytes left by each request.
  const most = 2e6 + 300 * 10_000 * Math.min(heaps.length - 3, 10);
  if (growth > most) findings.add('leftovers', `the heap grew by ${growth} bytes over ${heaps.length - 3} epochs`);
}
