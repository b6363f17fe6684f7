import { describe, it } from '@jest/globals';
import { judge } from './judge.js';
import { library } from './library.js';
import { responses } from './tables/index.js';

const thorough = process.env['CONFORMANCE'] === 'thorough';

describe.each(Object.entries(responses))('%s', (_table, rows) => {
  it.each(rows.map(row => ({ title: `${row[0]} ${row[1]}`, row })))('$title', ({ row }) =>
    judge(library, row, { thorough }),
  );
});
