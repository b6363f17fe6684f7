import type * as TypeScript from 'typescript';

/** A bug that is put into the library, in memory and for one run, to prove that a harness finds it. */
export interface SeededBug {
  readonly name: string;
  /** Below `src/`. */
  readonly file: string;
  /** `function`, `constant`, `Class.member` or `Class.#member`. */
  readonly declaration: string;
  /**
   * The whole declaration that takes its place. It may use the old one, which is called `original` (`#original`) in its
   * file (its class). It quotes no line of `src/`, so that an edit there breaks no harness.
   */
  readonly replacement: string;
}

type Compiler = typeof TypeScript;
interface Place {
  readonly name: TypeScript.Node;
  readonly start: number;
  readonly end: number;
}

/** `source`, which is the text of the bug's file, with the bug in it. Throws unless its declaration is there once. */
export async function seedBug(source: string, { file, declaration, replacement }: SeededBug): Promise<string> {
  // Loaded only here, as most programs that are bundled have no bug.
  const compiler = await import('typescript');
  const where = `${declaration} in ${file}`;
  const { name, start, end } = theOne(placesOf(compiler, source, declaration), where);
  const renamed = declaration.includes('#') ? '#original' : 'original';
  const original = source.slice(start, name.getStart()) + renamed + source.slice(name.end, end);
  const seeded = `${source.slice(0, start)}${original}\n${replacement}${source.slice(end)}`;
  theOne(placesOf(compiler, seeded, declaration), `The replacement of ${where}`);
  return seeded;
}

function theOne(places: readonly Place[], where: string): Place {
  if (places.length !== 1) throw new Error(`${where}: ${places.length} declarations, where one is needed`);
  return places[0];
}

function placesOf(ts: Compiler, source: string, declaration: string): Place[] {
  const file = ts.createSourceFile('seeded.ts', source, ts.ScriptTarget.Latest, true);
  const [owner, member] = declaration.split('.');
  const nodes =
    member === undefined
      ? file.statements
      : file.statements.filter(ts.isClassDeclaration).flatMap(each => (each.name?.text === owner ? each.members : []));
  return nodes.flatMap(node => {
    const name = nameOf(ts, node);
    return name?.getText() === (member ?? owner) ? [{ name, start: node.getStart(), end: node.end }] : [];
  });
}

function nameOf(ts: Compiler, node: TypeScript.Node): TypeScript.Node | undefined {
  if (ts.isFunctionDeclaration(node) || ts.isClassElement(node)) return node.name;
  if (!ts.isVariableStatement(node)) return undefined;
  const { declarations } = node.declarationList;
  return declarations.length === 1 ? declarations[0].name : undefined;
}
