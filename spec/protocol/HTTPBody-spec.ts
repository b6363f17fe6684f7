import { describe, expect, it } from '@jest/globals';
import { answer, openConnection, record } from '../support/index.js';

describe('A body that nobody has claimed', () => {
  it('is kept whole, whichever reads it came in', () => {
    const { request, transport } = openConnection();
    const { values } = request();
    transport.respondOneByOne(answer('hello'));
    transport.respond('');
    expect(record(values[0].text()).values).toEqual(['hello']);
  });
});
