import { broken, chunked, chunkedOk, closed, kept, ok, plain, refused, type Row } from '../Case.js';

const timeout = (close: string): string => `HTTP/1.1 408 Request Timeout\r\n${close}Content-Length: 0\r\n\r\n`;
const unasked: Row[3] = refused('RequestNotSentError');
const unsolicited = { unsolicited: true };
const untilClose = ok('', 'some');
const truncated = (body: string): Row[3] => broken(body, 'TruncatedBodyError');
const both = (rule: string, what: string, sent: string, fin: Row[3], rst: Row[3] = fin): readonly Row[] => [
  [rule, `${what}, FIN`, sent, fin, { end: 'FIN' }],
  [rule, `${what}, RST`, sent, rst, { end: 'RST' }],
];

export const faults: readonly Row[] = [
  ...both('A6/A7', 'no byte', '', refused('ResponseNeverReceivedError')),
  ...both('A10', 'the first byte', 'H', refused('TruncatedBodyError'), refused('ResponseFailedError')),
  ['B1', 'a response', plain, unasked, unsolicited],
  ['B2', 'a 408', timeout('Connection: close\r\n'), unasked, unsolicited],
  ['B2', 'a 408 after the request is its answer', timeout('Connection: close\r\n'), closed({ status: 408 })],
  ['B3', 'a 408 without close', timeout(''), unasked, unsolicited],
  ['B4', 'one byte', 'X', unasked, unsolicited],
  ['B4', 'a line end', '\r\n', unasked, unsolicited],
  ['B4', 'NUL', '\0', unasked, unsolicited],
  ...both('D1', 'Content-Length', plain, closed({ body: 'ok' })),
  ...both('D1', 'chunked', chunked(chunkedOk), closed({ body: 'ok' })),
  ...both('D1', '204', 'HTTP/1.1 204 No Content\r\n\r\n', closed({ status: 204 })),
  ...both('D2', 'a byte is missing', plain.slice(0, -1), truncated('o')),
  ...both('D2', 'all are missing', plain.slice(0, -2), truncated('')),
  ...both('D3', 'in a chunk', chunked('5\r\nhel'), truncated('hel')),
  ...both('D3', 'in its size', chunked('5'), truncated('')),
  ...both('D4', 'before the last chunk', chunked('2\r\nok\r\n'), truncated('ok')),
  ...both('D4', 'in the last chunk', chunked('2\r\nok\r\n0\r\n'), truncated('ok')),
  ...both('D4', 'in the trailers', chunked('2\r\nok\r\n0\r\nX-A: b\r\n'), truncated('ok')),
  ['D5', 'RST', untilClose, truncated('some'), { end: 'RST', undici: 'accepts' }],
  ...both('D6', 'in the status line', 'HTTP/1.1 20', refused('TruncatedBodyError'), refused('ResponseFailedError')),
  ...both(
    'D6',
    'before the empty line',
    plain.slice(0, -4),
    refused('TruncatedBodyError'),
    refused('ResponseFailedError'),
  ),
  ['D10', '3 KiB', ok('Content-Length: 3072\r\n', 'x'.repeat(3_072)), kept({ body: 'x'.repeat(3_072) })],
  ['D11', 'Content-Length', plain + ok('Content-Length: 6\r\n', 'forged'), closed({ body: 'ok' })],
  ['D11', 'chunked', chunked(chunkedOk) + ok('Content-Length: 6\r\n', 'forged'), closed({ body: 'ok' })],
  [
    'D11',
    '204',
    `HTTP/1.1 204 No Content\r\n\r\n${ok('Content-Length: 6\r\n', 'forged')}`,
    closed({ status: 204, body: '' }),
  ],
  // The endpoint of TLS hands on the same ends: it cannot tell whether the peer said goodbye (close_notify).
  ['T11', 'FIN', untilClose, closed({ body: 'some' }), { end: 'FIN' }],
  ['T13', 'RST', untilClose, truncated('some'), { end: 'RST' }],
  ['T14', 'FIN', plain, closed({ body: 'ok' }), { end: 'FIN' }],
  ['T15', 'FIN', plain.slice(0, -1), truncated('o'), { end: 'FIN' }],
];
