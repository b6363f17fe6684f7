import { inspect } from 'node:util';
import { describe, expect, it } from '@jest/globals';
import { mergeMap } from 'rxjs';
import { Agent } from '../../src/agent/index.js';
import { HTTPStatusError, InvalidOptionError, TruncatedBodyError } from '../../src/errors/index.js';
import { text, throwIfNotOk } from '../../src/operators/index.js';
import { HTTPHeaders } from '../../src/wire/index.js';
import { openAgent, record } from '../support/index.js';

const secret = /SECRET-|hunter2|Basic |YWxpY2U6/;

const url = 'http://alice:hunter2@example.test/path?token=SECRET-QUERY';
const headers = { Authorization: 'Bearer SECRET-TOKEN', Cookie: 'sid=SECRET-COOKIE', 'X-Other': 'shown' };
const setCookie = 'Set-Cookie: sid=SECRET-RESPONSE\r\n';
const refusal = `HTTP/1.1 500 No\r\nContent-Length: 0\r\n${setCookie}\r\n`;
const truncated = `HTTP/1.1 200 OK\r\nContent-Length: 10\r\n${setCookie}\r\nabc`;

/** Each way to print an error: `console.log` of it, however deep it looks, and loggers that make JSON. */
function printed(error: unknown): string[] {
  return [inspect(error), inspect(error, { depth: Infinity }), inspect(error, { showHidden: false, compact: false })]
    .concat(JSON.stringify(error), JSON.stringify({ error }), String(error))
    .filter(shown => secret.test(shown));
}

describe('an error that is printed shows no secret', () => {
  it.each([
    ['of the options', { headers }, 'http://example.test/'],
    ["of the agent's URL", {}, url],
  ])('HTTPStatusError, %s', (_name, options, to) => {
    const { agent, transports } = openAgent(options);
    const seen = record(agent.get(to).pipe(throwIfNotOk()));
    transports[0].respond(refusal);
    expect(seen.error).toBeInstanceOf(HTTPStatusError);
    expect(printed(seen.error)).toEqual([]);
    // It is all there for who asks.
    expect((seen.error as HTTPStatusError).response).toMatchObject({ status: 500 });
  });

  it('TruncatedBodyError, of text', () => {
    const { agent, transports } = openAgent({ headers });
    const seen = record(agent.get('http://example.test/').pipe(text()));
    transports[0].respond(truncated);
    transports[0].fin();
    expect(seen.error).toBeInstanceOf(TruncatedBodyError);
    expect(printed(seen.error)).toEqual([]);
    expect((seen.error as TruncatedBodyError).response).toMatchObject({ status: 200 });
  });

  it('TruncatedBodyError, of the body', () => {
    const { agent, transports } = openAgent();
    const seen = record(agent.get(url).pipe(mergeMap(response => response.body)));
    transports[0].respond(truncated);
    transports[0].fin();
    expect(seen.error).toBeInstanceOf(TruncatedBodyError);
    expect(printed(seen.error)).toEqual([]);
  });

  it('a base URL that is refused', () => {
    for (const baseURL of ['htp://alice:hunter2@x/', 'http//alice:hunter2@x/', '//alice:hunter2@x']) {
      let error: unknown;
      try {
        new Agent({ baseURL });
      } catch (thrown) {
        error = thrown;
      }
      expect(error).toBeInstanceOf(InvalidOptionError);
      expect(printed(error)).toEqual([]);
    }
  });
});

describe('what is printed', () => {
  it('a response and its request show no credentials', () => {
    const { agent, transports } = openAgent({ headers: { Cookie: 'sid=SECRET-COOKIE' } });
    const seen = record(agent.get('http://alice:hunter2@example.test/'));
    transports[0].respond(truncated);
    const [response] = seen.values;
    for (const shown of [response, response.request, seen]) {
      expect(inspect(shown, { depth: Infinity })).not.toMatch(secret);
    }
  });

  it('HTTPHeaders: names, and the values of those that are no secret', () => {
    const all = HTTPHeaders.from({
      ...headers,
      'Proxy-Authorization': 'Basic SECRET-PROXY',
      'Set-Cookie': ['a=SECRET-A', 'b=SECRET-B'],
    });
    const shown = inspect(all);
    expect(shown).not.toMatch(secret);
    for (const name of ['authorization', 'proxy-authorization', 'cookie', 'set-cookie', 'x-other', 'shown']) {
      expect(shown).toContain(name);
    }
    expect(all.get('authorization')).toBe('Bearer SECRET-TOKEN');
  });
});
