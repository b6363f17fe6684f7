import { describe, expect, it } from '@jest/globals';
import { InvalidRequestError } from '../../src/errors/index.js';
import { judgeRequest } from './judgeRequest.js';
import { library, type Library } from './library.js';
import { requests } from './tables/index.js';

describe('Requests', () => {
  it.each(requests.map(row => ({ title: `${row[0]} ${row[1]}`, row })))('$title', ({ row }) =>
    judgeRequest(library, row),
  );
});

describe('S1 Every character, in every place', () => {
  const characters = [
    ...Array.from({ length: 0x300 }, (_, code) => String.fromCharCode(code)),
    ...['\u2028', '\u560a', '\u560d', '\ufeff', '\uff0a', '\ud800', '\u{1f600}'],
  ];
  const token = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]$/;
  const visible = /^[!-~]$/;
  /** What may stand in each place, and the line that it makes there. */
  const places: Record<string, { allowed: (character: string) => boolean; line: (text: string) => string }> = {
    method: { allowed: character => token.test(character), line: text => `${text} / HTTP/1.1` },
    path: {
      allowed: character => visible.test(character) && character !== '#',
      line: text => `GET /${text} HTTP/1.1`,
    },
    name: { allowed: character => token.test(character), line: text => `${text}: y` },
    value: { allowed: character => /^[\t -~\x80-\xff]$/.test(character), line: text => `X: ${text}` },
  };

  const write = ({ HTTPHeaders, serializeRequestHead }: Library, place: string, text: string): string =>
    serializeRequestHead({
      method: place === 'method' ? text : 'GET',
      path: place === 'path' ? `/${text}` : '/',
      host: 'example.test',
      headers: HTTPHeaders.from(place === 'name' ? [[text, 'y']] : place === 'value' ? { X: text } : {}),
      persistent: true,
      framing: { kind: 'none' },
    });

  it.each(Object.keys(places))('%s', place => {
    const { allowed, line } = places[place];
    for (const character of characters) {
      const text = `a${character}b`;
      let head: string;
      try {
        head = write(library, place, text);
      } catch (error) {
        expect(error).toBeInstanceOf(InvalidRequestError);
        expect([character, allowed(character)]).toEqual([character, false]);
        continue;
      }
      const lines = Buffer.from(head, 'latin1').toString('latin1').split('\r\n');
      const expected = ['GET / HTTP/1.1', 'Host: example.test'];
      if (place === 'method' || place === 'path') expected[0] = line(text);
      else expected.push(line(text));
      if (!allowed(character) || lines.join('\r\n') !== [...expected, '', ''].join('\r\n')) {
        expect([character, lines]).toEqual([character, [...expected, '', '']]);
        expect([character, allowed(character)]).toEqual([character, true]);
      }
    }
  });
});
