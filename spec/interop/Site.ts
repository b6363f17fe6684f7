import { firstValueFrom, lastValueFrom } from 'rxjs';
import {
  Agent,
  unix,
  type AgentOptions,
  type HTTPConnectionPoolOptions,
  type HTTPHeaders,
  type HTTPRequestInit,
  type HTTPResponse,
} from 'rxjs-http-pool';
import type { Ground } from './Ground.js';
import type { Addresses, Instance, Server, Settings, TransportName } from './Server.js';
import type { Tally } from './Tally.js';

/** A response, read to its end. */
export interface Answer {
  readonly status: number;
  readonly headers: HTTPHeaders;
  readonly body: Uint8Array;
  readonly response: HTTPResponse;
}

/** Options of an agent, with those of a pool of its own. */
export interface SiteOptions extends AgentOptions {
  readonly pool?: HTTPConnectionPoolOptions;
}

/** One instance of a server, as reached by one transport: what a check gets to work on. */
export class Site {
  readonly #agents: Agent[] = [];

  constructor(
    readonly server: Server,
    readonly transport: TransportName,
    readonly instance: Instance,
    readonly ground: Ground,
    readonly settings: Settings,
    readonly addresses: Addresses,
    readonly tally: Tally,
  ) {}

  get origin(): string {
    if (this.transport === 'unix') return 'http://localhost';
    return this.transport === 'tls'
      ? `https://localhost:${this.addresses.tls}`
      : `http://127.0.0.1:${this.addresses.tcp}`;
  }

  /** An agent whose requests are paths of this site. It is closed, and what it did counted, when the check is over. */
  agent(options: SiteOptions = {}): Agent {
    const agent = new Agent({
      baseURL: this.origin,
      timeouts: { total: 60_000, connect: 30_000 },
      ...(this.transport === 'unix' ? { endpoint: () => unix(String(this.addresses.unix)) } : {}),
      ...(this.instance.proxy === undefined ? {} : { proxy: this.instance.proxy }),
      ...options,
      connect: { ca: this.ground.ca, ...options.connect },
    });
    this.#agents.push(agent);
    return agent;
  }

  /** Makes a request and reads its answer whole. */
  async ask(agent: Agent, init: HTTPRequestInit): Promise<Answer> {
    this.tally.requests++;
    const response = await firstValueFrom(agent.request(init));
    const body = await lastValueFrom(response.bytes());
    return { status: response.status, headers: response.headers, body, response };
  }

  async get(agent: Agent, url: string): Promise<Answer> {
    return this.ask(agent, { url });
  }

  /** GETs a file and compares it. */
  async getFile(agent: Agent, name: string | number, id: number | string = name): Promise<Answer> {
    const answer = await this.get(agent, `/files/${name}?id=${id}`);
    this.tally.verify(answer, { id: String(id), sum: this.ground.sums.get(String(name))! });
    return answer;
  }

  /** How often each id was executed by `/app/echo`. */
  async executions(): Promise<Readonly<Record<string, number>>> {
    const answer = await this.get(this.agent(), '/app/executions');
    return JSON.parse(Buffer.from(answer.body).toString()) as Record<string, number>;
  }

  /** Ends what the check has begun. */
  async settle(): Promise<void> {
    for (const agent of this.#agents.splice(0)) {
      await this.#atRest(agent);
      const { opened, retries, leased, pending } = agent.pool.stats();
      this.tally.connections += opened;
      this.tally.retries += retries;
      this.tally.expect(leased + pending === 0, 'something is in use after the check');
      await firstValueFrom(agent.close());
    }
  }

  /** Dials whose gets were served otherwise run on, and what they give counts as leased for two turns of the loop. */
  async #atRest({ pool }: Agent): Promise<void> {
    const limit = performance.now() + 1_000;
    const busy = () => pool.stats().connecting + pool.stats().leased > 0;
    while (busy() && performance.now() < limit) await new Promise(resolve => setImmediate(resolve));
  }
}
