/** TypeScript as a tree: for rules that must not be fooled by another way of writing the same. */
import { parseSync } from 'vite'

export interface Node {
  readonly type: string
  readonly start: number
  readonly [field: string]: unknown
}

export interface Found {
  readonly node: Node
  /** From the program down to its parent. */
  readonly above: readonly Node[]
}

const isNode = (value: unknown): value is Node =>
  typeof value === 'object' && value !== null && 'type' in value && typeof value.type === 'string'

/** @throws Error where it cannot be read: a file that nobody could look at is no file that is well */
export function nodesOf(path: string, text: string): Found[] {
  const known = read.get(path)
  if (known?.text === text) return known.found
  const found = treeOf(path, text)
  read.set(path, { text, found })
  return found
}

/** Every rule looks at the same files. */
const read = new Map<string, { text: string; found: Found[] }>()

function treeOf(path: string, text: string): Found[] {
  const { program, errors } = parseSync(path, text)
  if (errors.length > 0) throw new Error(`${path} cannot be read`)
  const found: Found[] = []
  const look = (node: Node, above: readonly Node[]) => {
    found.push({ node, above })
    for (const value of Object.values(node)) {
      for (const one of Array.isArray(value) ? (value as unknown[]) : [value]) {
        if (isNode(one)) look(one, [...above, node])
      }
    }
  }
  look(program as unknown as Node, [])
  return found
}

export const lineOf = (text: string, { start }: Node) => text.slice(0, start).split('\n').length

export const fieldOf = (node: Node | undefined, name: string): Node | undefined => {
  const value = node?.[name]
  return isNode(value) ? value : undefined
}
export const listOf = (node: Node | undefined, name: string): Node[] => {
  const value = node?.[name]
  return Array.isArray(value) ? (value as unknown[]).filter(isNode) : []
}

/** The text that an expression is, if it can be known: also one that was put together. */
export function wordOf(node: Node | undefined): string | undefined {
  if (node === undefined) return undefined
  if (node.type === 'Literal') return typeof node['value'] === 'string' ? node['value'] : undefined
  if (node.type === 'TemplateLiteral' && listOf(node, 'expressions').length === 0) {
    const [only] = node['quasis'] as { value: { cooked: string } }[]
    return only?.value.cooked
  }
  if (node.type === 'BinaryExpression' && node['operator'] === '+') {
    const [left, right] = [wordOf(fieldOf(node, 'left')), wordOf(fieldOf(node, 'right'))]
    return left === undefined || right === undefined ? undefined : left + right
  }
  if (/^TS(As|Satisfies|NonNull)/.test(node.type)) return wordOf(fieldOf(node, 'expression'))
  return undefined
}

export const nameOf = (node: Node | undefined): string | undefined =>
  node?.type === 'Identifier' ? String(node['name']) : undefined

/** `a.b`, `a['b']`, `` a[`b`] ``: the b. */
export function memberOf(node: Node | undefined): string | undefined {
  if (node?.type !== 'MemberExpression') return undefined
  const property = fieldOf(node, 'property')
  return node['computed'] === true ? wordOf(property) : nameOf(property)
}

/** Is this identifier a use of a name, and not the name of somebody's field? */
export function isUse({ node, above }: Found): boolean {
  const parent = above.at(-1)
  if (parent?.type === 'MemberExpression') return parent['computed'] === true || fieldOf(parent, 'object') === node
  if (parent?.type === 'Property') return parent['shorthand'] === true || fieldOf(parent, 'key') !== node
  return !/^(TS(?!As|Satisfies|NonNull)|ImportSpecifier|ExportSpecifier|MethodDefinition)/.test(parent?.type ?? '')
}
