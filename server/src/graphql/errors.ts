/** What goes wrong in GraphQL: the problems of REST, by their codes; of an exception nothing is told. */
import { GraphQLError } from 'graphql'
import { toProblem } from '../http/problem.ts'
import type { Logger } from '../http/log.ts'

/** What the transport reads of an error, and does not send. */
const transportOf = (error: GraphQLError) =>
  error.extensions['http'] === undefined ? {} : { http: error.extensions['http'] }

export function told(error: unknown, correlationId: string, log: Logger): GraphQLError {
  const cause = causeOf(error)
  // Of the document itself: its words, and the contract's, are all that stands in it.
  if (cause instanceof GraphQLError) {
    return new GraphQLError(cause.message.slice(0, 500), {
      ...placeOf(error),
      extensions: { code: 'INVALID_REQUEST', correlationId, ...transportOf(cause) },
    })
  }
  const { code, title, detail, status, remedy, causes, retryAfter } = toProblem(cause, correlationId)
  if (status >= 500) log.error({ reqId: correlationId, route: '/graphql', code, err: cause })
  return new GraphQLError(detail ?? title, {
    ...placeOf(error),
    extensions: {
      code,
      correlationId,
      ...(remedy === undefined ? {} : { remedy }),
      ...(causes === undefined ? {} : { causes }),
      ...(retryAfter === undefined ? {} : { retryAfter }),
    },
  })
}

function causeOf(error: unknown): unknown {
  let cause = error
  // What has a status for the transport is the protocol's own word, whatever it was made of.
  while (cause instanceof GraphQLError && cause.originalError !== undefined && cause.extensions['http'] === undefined) {
    cause = cause.originalError
  }
  return cause
}

function placeOf(error: unknown) {
  if (!(error instanceof GraphQLError)) return {}
  return {
    ...(error.nodes === undefined ? {} : { nodes: error.nodes }),
    ...(error.path === undefined ? {} : { path: error.path }),
  }
}
