import type { Cell } from './Cell.js';

/** The answer of a server, in the pieces between which something can go wrong. */
export interface Message {
  readonly statusLine: readonly [string, string];
  /** From within the first field to the empty line. */
  readonly fields: string;
  /** The halves of the body, in its framing. Empty for HEAD. */
  readonly body: readonly [string, string];
  /** What ends the body, if anything is sent for that. */
  readonly end: string;
}

/** The halves of the text that an exchange is about. They differ, and say which exchange they belong to. */
export const halves = ['the first half, ', 'and the second'] as const;
export const wholeText = halves.join('');

export function messageOf({ fault, method, framing }: Cell): Message {
  const [first, second] = halves;
  const statusLine = ['HTTP/1.1 2', '00 OK\r\nContent-'] as const;
  const type = 'Type: text/plain\r\n';
  if (framing === 'chunked') {
    const lie = fault === 'says less than it sends' ? -2 : fault === 'says more than it sends' ? 100 : 0;
    return {
      statusLine,
      fields: `${type}Transfer-Encoding: chunked\r\n\r\n`,
      body: [chunk(first), chunk(second, lie)],
      end: '0\r\n\r\n',
    };
  }
  const length = {
    'says less than it sends': first.length,
    'says more than it sends': wholeText.length + 100,
    'drips for ever': 1_000_000,
  }[fault as string];
  return {
    statusLine,
    fields: `${type}${framing === 'length' ? `Content-Length: ${length ?? wholeText.length}\r\n` : ''}\r\n`,
    body: method === 'HEAD' ? ['', ''] : [first, second],
    end: '',
  };
}

function chunk(text: string, lie = 0): string {
  return `${(text.length + lie).toString(16)}\r\n${text}\r\n`;
}
