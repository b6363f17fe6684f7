import { ClientExaminer, searchClients } from './clients.js';
import type { Scene } from './Exchange.js';
import type { Play } from './Reading.js';
import type { RequestPlay } from './RequestPlay.js';
import { RequestExaminer, searchRequests } from './requests.js';
import { Examiner, search } from './search.js';
import type { Found, Tally } from './Tally.js';

export { Tally } from './Tally.js';

/** What is looked at: the response parser, whole clients, or the request serialiser. */
export const kinds = ['responses', 'clients', 'requests'] as const;
export type Kind = (typeof kinds)[number];

/** A play that broke a promise once, as it is kept in `cases/`. */
export type Case =
  | { readonly kind: 'responses'; readonly what: string; readonly play: Play }
  | { readonly kind: 'clients'; readonly what: string; readonly play: Scene }
  | { readonly kind: 'requests'; readonly what: string; readonly play: RequestPlay };

/** All examiners: they are made once, as connections live through many responses. */
export class Campaign {
  private constructor(
    private readonly responses: Examiner,
    private readonly clients: ClientExaminer,
    private readonly requests: RequestExaminer,
  ) {}

  static async make(): Promise<Campaign> {
    return new Campaign(await Examiner.make(), await ClientExaminer.make(), await RequestExaminer.make());
  }

  /** Looks for a play that breaks a promise among the `runs` that the seed gives. */
  async search(
    kind: Kind,
    seed: number,
    runs: number,
    tally?: Tally,
    shrinks = true,
  ): Promise<Found<Play | RequestPlay> | null> {
    switch (kind) {
      case 'responses':
        return search(this.responses, seed, runs, tally, shrinks);
      case 'clients':
        return searchClients(this.clients, seed, runs, tally, shrinks);
      case 'requests':
        return searchRequests(this.requests, seed, runs, tally);
    }
  }

  /** The promise that a case breaks, still; undefined if it is kept. */
  async replay({ kind, play }: Case): Promise<string | undefined> {
    switch (kind) {
      case 'responses':
        return this.responses.examine(play, 0);
      case 'clients':
        return (await this.clients.examine([play]))[0];
      case 'requests':
        return (await this.requests.examineAll([play]))[0];
    }
  }
}
