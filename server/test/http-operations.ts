/** The routes of the contract, as the server itself tells them. */
import type { HttpStage } from './http-stage.ts'

export interface Operation {
  readonly id: string
  readonly method: string
  readonly path: string
  readonly scope: string | undefined
}

export async function operationsOf(stage: HttpStage): Promise<Operation[]> {
  const { body } = await stage.ask('/api/openapi.json', { as: null })
  return Object.entries(
    body.paths as Record<string, Record<string, { operationId: string; description?: string }>>,
  ).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, { operationId: id, description = '' }]) => ({
      id,
      method: method.toUpperCase(),
      path,
      scope: /Needs the scope `([^`]+)`/.exec(description)?.[1],
    })),
  )
}

export const filled = (path: string, place: Record<string, string | number>) =>
  path.replace(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(String(place[name] ?? 'missing')))
