/**
 * How much one request may ask for.  What it could bring at most is reckoned from
 * the document and its variables before anything is read; fragments are weighed
 * once, so that a small text cannot make a large reckoning.
 */
import { Refusal } from '@millrace/engine'
import {
  getNamedType,
  getNullableType,
  getOperationAST,
  isListType,
  isObjectType,
  Kind,
  valueFromASTUntyped,
  type DocumentNode,
  type FieldNode,
  type FragmentDefinitionNode,
  type GraphQLField,
  type GraphQLObjectType,
  type GraphQLSchema,
  type SelectionSetNode,
} from 'graphql'

export const MOST = {
  /** Of the text, in words and signs. */
  tokens: 2_000,
  depth: 8,
  /** Fields at the top: each is a question of its own, or a change. */
  roots: 20,
  /** Names that fields are given. */
  aliases: 50,
  /** Objects that may come. */
  objects: 20_000,
}

interface Weight {
  readonly depth: number
  readonly roots: number
  readonly aliases: number
  readonly objects: number
}
const NOTHING: Weight = { depth: 0, roots: 0, aliases: 0, objects: 0 }

/** What a list without a limit of its own is taken to hold. */
const USUAL = 10

/** @throws Refusal TOO_MUCH_ASKED */
export function refuseTooMuch(
  schema: GraphQLSchema,
  document: DocumentNode,
  operationName: string | null | undefined,
  variables: Readonly<Record<string, unknown>>,
): void {
  const operation = getOperationAST(document, operationName)
  const root = operation === undefined || operation === null ? undefined : schema.getRootType(operation.operation)
  if (operation === undefined || operation === null || root === undefined || root === null) return
  const given: Record<string, unknown> = { ...variables }
  for (const { variable, defaultValue } of operation.variableDefinitions ?? []) {
    if (defaultValue !== undefined) given[variable.name.value] ??= valueFromASTUntyped(defaultValue)
  }
  const found = weigherOf(schema, document, given)(operation.selectionSet, root)
  for (const name of ['depth', 'roots', 'aliases', 'objects'] as const) {
    if (found[name] <= MOST[name]) continue
    throw new Refusal('TOO_MUCH_ASKED', `${SAID[name]}: at most ${MOST[name].toLocaleString('en-US')}.`, {
      remedy: 'Ask for less at a time, with `limit` and `offset` or `after`.',
    })
  }
}

const SAID = {
  depth: 'The request is nested too deeply',
  roots: 'The request asks for too many things at once',
  aliases: 'The request renames too many fields',
  objects: 'The request could bring too many objects',
}

function weigherOf(schema: GraphQLSchema, document: DocumentNode, variables: Readonly<Record<string, unknown>>) {
  const fragments = new Map<string, FragmentDefinitionNode>()
  for (const one of document.definitions) {
    if (one.kind === Kind.FRAGMENT_DEFINITION) fragments.set(one.name.value, one)
  }
  const known = new Map<string, Weight>()

  function ofFragment(name: string): Weight {
    const there = known.get(name)
    if (there !== undefined) return there
    // One that holds itself was refused before.
    known.set(name, NOTHING)
    const fragment = fragments.get(name)
    const type = fragment === undefined ? undefined : schema.getType(fragment.typeCondition.name.value)
    const found = fragment === undefined || !isObjectType(type) ? NOTHING : ofSet(fragment.selectionSet, type)
    known.set(name, found)
    return found
  }

  function ofField(node: FieldNode, parent: GraphQLObjectType): Weight {
    const name = node.name.value
    const aliases = node.alias === undefined ? 0 : 1
    // What the contract says of itself is bounded by itself.
    if (name.startsWith('__')) return { depth: 1, roots: 1, aliases, objects: 1 }
    const field = parent.getFields()[name]
    const type = field === undefined ? undefined : getNamedType(field.type)
    if (field === undefined || node.selectionSet === undefined || !isObjectType(type)) {
      return { depth: 1, roots: 1, aliases, objects: 0 }
    }
    const inner = ofSet(node.selectionSet, type)
    const times = isListType(getNullableType(field.type)) ? lengthOf(node, field) : 1
    return {
      depth: inner.depth + 1,
      roots: 1,
      aliases: aliases + inner.aliases,
      objects: times * (1 + inner.objects),
    }
  }

  function lengthOf(node: FieldNode, field: GraphQLField<unknown, unknown>): number {
    const argument = node.arguments?.find(({ name }) => name.value === 'limit')
    const asked = argument === undefined ? undefined : valueFromASTUntyped(argument.value, variables)
    if (typeof asked === 'number' && asked >= 0) return asked
    const otherwise = field.args.find(({ name }) => name === 'limit')?.defaultValue
    return typeof otherwise === 'number' ? otherwise : USUAL
  }

  function ofSet({ selections }: SelectionSetNode, parent: GraphQLObjectType): Weight {
    return selections.reduce<Weight>((sum, node) => {
      const one =
        node.kind === Kind.FIELD
          ? ofField(node, parent)
          : node.kind === Kind.INLINE_FRAGMENT
            ? ofSet(node.selectionSet, parent)
            : ofFragment(node.name.value)
      return {
        depth: Math.max(sum.depth, one.depth),
        roots: sum.roots + one.roots,
        aliases: sum.aliases + one.aliases,
        objects: sum.objects + one.objects,
      }
    }, NOTHING)
  }

  return ofSet
}
