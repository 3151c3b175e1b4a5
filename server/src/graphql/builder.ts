/** The builder of the GraphQL contract: what a resolver is given, and the scalars. */
import SchemaBuilder from '@pothos/core'
import { Refusal } from '@millrace/engine'
import { GraphQLError } from 'graphql'
import { mustAllow, type Scope, type SignedIn } from '../access/signed-in.ts'
import type { House } from '../http/house.ts'
import type { Loaders } from './loaders.ts'

/** One request. */
export interface Asking {
  readonly house: House
  readonly signedIn: SignedIn
  readonly load: Loaders
  /** Where new things go. @throws Refusal INVALID_WORKSPACE */
  workspace(): number
  /** Of the request, for what it starts. */
  readonly key: string | undefined
}

export const builder = new SchemaBuilder<{
  Context: Asking
  DefaultFieldNullability: false
  Scalars: {
    ID: { Input: string; Output: string | number }
    JSON: { Input: never; Output: unknown }
    DateTime: { Input: never; Output: Date }
  }
}>({ defaultFieldNullability: false })

const notTaken = () => {
  throw new GraphQLError('This is not taken, only given.')
}
builder.scalarType('JSON', {
  description: 'Any JSON value.',
  serialize: (value) => value,
  parseValue: notTaken,
})
builder.scalarType('DateTime', {
  description: 'ISO 8601, UTC.',
  serialize: (value) => value.toISOString(),
  parseValue: notTaken,
})

/** Who asks, if he may. @throws Refusal MISSING_SCOPE */
export function who({ signedIn }: Asking, right: Scope) {
  mustAllow(signedIn, right)
  return signedIn.principal
}

/** The number that an id is, or undefined for what can be none. */
export const numberOf = (id: string) => (/^[1-9]\d{0,14}$/.test(id) ? Number(id) : undefined)

const DEEPEST_OFFSET = 1_000_000

/** Of a list where nothing is said. */
export const USUAL = 50

interface Page {
  readonly limit?: number | null | undefined
  readonly offset?: number | null | undefined
}

/** Null says as much as nothing.  @throws Refusal INVALID_REQUEST */
export function page(given: Page, most = 500): { limit: number; offset: number } {
  const limit = given.limit ?? USUAL
  const offset = given.offset ?? 0
  if (limit < 1 || limit > most) throw new Refusal('INVALID_REQUEST', `A limit is a number from 1 to ${most}.`)
  if (offset < 0 || offset > DEEPEST_OFFSET) {
    throw new Refusal('INVALID_REQUEST', `An offset is a number from 0 to ${DEEPEST_OFFSET.toLocaleString('en-US')}.`)
  }
  return { limit, offset }
}

/** Nothing, where there is no such thing or the reader may not see it. */
export async function orNull<T>(code: string, work: Promise<T>): Promise<T | null> {
  try {
    return await work
  } catch (error) {
    if (error instanceof Refusal && error.code === code) return null
    throw error
  }
}
