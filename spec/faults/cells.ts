import { framings, isBefore, leases, methods, phases, reads, uploads, type Cell } from './Cell.js';
import { faultNames, faults, isConnectFault } from './faults.js';

/** Cells that make no sense, and why. */
interface Rule {
  readonly because: string;
  excludes(cell: Cell): boolean;
}

const rules: readonly Rule[] = [
  {
    because: 'a fault has its places; why, stands with it',
    excludes: ({ fault, phase }) =>
      isConnectFault(fault) ? phase !== 'before accept' : !faults[fault].phases.includes(phase),
  },
  {
    because: 'a connection that is used again was accepted long ago',
    excludes: ({ phase, lease }) => phase === 'at accept' && lease === 'reused',
  },
  {
    because: 'from a reused connection only a retry leads to a dial, and a POST is not retried',
    excludes: ({ phase, lease, method }) => phase === 'before accept' && lease === 'reused' && method === 'POST',
  },
  {
    because: 'without a connection there is no body to read in one way or another',
    excludes: ({ phase, read }) => phase === 'before accept' && read !== 'text',
  },
  {
    because: 'a GET and a HEAD have no body',
    excludes: cell => cell.phase === 'in the request body' && !uploads(cell),
  },
  {
    because: 'the answer to a HEAD ends with its head',
    excludes: ({ phase, method }) =>
      method === 'HEAD' && !isBefore(phase, 'after the head') && isBefore(phase, 'after the end'),
  },
  {
    because: 'how a body ends is of no account where there is none, or before its head is sent',
    excludes: ({ phase, method, framing }) =>
      framing !== 'length' && (method === 'HEAD' || isBefore(phase, 'after the head')),
  },
  {
    because: 'only a body in chunks has a last one',
    excludes: ({ phase, framing }) => phase === 'before the last chunk' && framing !== 'chunked',
  },
  {
    because: 'a body that the end of the connection ends leaves no connection for what comes after it',
    excludes: ({ phase, framing }) => framing === 'close' && !isBefore(phase, 'after the end'),
  },
  {
    because: 'only chunks have extensions',
    excludes: ({ fault, framing }) => fault === 'endless chunk extensions' && framing !== 'chunked',
  },
  {
    because: 'a body without a length cannot lie about it',
    excludes: ({ fault, framing }) => fault.startsWith('says ') && framing === 'close',
  },
  {
    because: 'a body where none may be is a lie of answers to HEAD; others lie within their body',
    excludes: ({ fault, phase, method }) =>
      fault === 'says less than it sends' && (phase === 'after the end') !== (method === 'HEAD'),
  },
];

function* product(): Generator<Cell> {
  for (const fault of faultNames)
    for (const phase of phases)
      for (const method of methods)
        for (const lease of leases)
          for (const read of reads)
            for (const framing of framings) yield { fault, phase, method, lease, read, framing };
}

/** The whole product: the cells that make sense, and how many each rule was the first to exclude. */
export function matrix(): { readonly cells: readonly Cell[]; readonly excluded: ReadonlyMap<string, number> } {
  const cells: Cell[] = [];
  const excluded = new Map(rules.map(({ because }) => [because, 0]));
  for (const cell of product()) {
    const rule = rules.find(({ excludes }) => excludes(cell));
    if (rule === undefined) cells.push(cell);
    else excluded.set(rule.because, excluded.get(rule.because)! + 1);
  }
  return { cells, excluded };
}

/**
 * Of the cells as few as have each place of a fault (fault and phase) with each kind of exchange, and each two kinds with
 * each other; and all of the dangerous ones.
 */
export function covering(cells: readonly Cell[]): Cell[] {
  const covered = new Set<string>();
  return shuffled(cells).filter(cell => {
    const fresh = pairsOf(cell).filter(pair => !covered.has(pair));
    for (const pair of fresh) covered.add(pair);
    return fresh.length > 0 || isDangerous(cell);
  });
}

/** Where a mistake would give a response to the wrong request, do something twice, or take a part for the whole. */
function isDangerous({ fault, phase, method, lease, read, framing }: Cell): boolean {
  if (read !== 'text') return false;
  const desync = fault === 'answers twice' || fault === 'answers unasked' || fault === 'says less than it sends';
  const twice = method === 'POST' && lease === 'reused' && isBefore(phase, 'in the status line');
  const truncated = framing === 'close' && fault.startsWith('reset');
  return desync || twice || truncated;
}

function pairsOf({ fault, phase, ...kind }: Cell): string[] {
  const kinds = Object.entries(kind).map(([name, value]) => `${name} ${value}`);
  return [
    ...kinds.map(each => `${fault}, ${phase} | ${each}`),
    ...kinds.flatMap((one, at) => kinds.slice(at + 1).map(other => `${one} | ${other}`)),
  ];
}

/** The same cells in an order that mixes them well, and is the same every time. */
function shuffled<T>(items: readonly T[]): T[] {
  return items
    .map((item, at) => ({ item, rank: (at * 2_654_435_761) % 2 ** 32 }))
    .sort((one, other) => one.rank - other.rank)
    .map(({ item }) => item);
}
