/** Who is signed in, and what he may. */
import { createContext, useContext } from 'react'
import type { Answer } from '../api.ts'
import { kept } from '../kept.ts'

export type Me = Answer<'get', '/api/me'>

export const MeContext = createContext<Me | undefined>(undefined)

/** Inside the frame there is always somebody. */
export function useMe(): Me {
  const me = useContext(MeContext)
  if (me === undefined) throw new Error('a page was shown to nobody')
  return me
}

type Scope = Exclude<Me['scopes'], 'all'>[number]

/** By his scopes, and his role in the workspace that he looks at. */
export function may(me: Me, scope: Scope): boolean {
  if (me.scopes !== 'all' && !me.scopes.includes(scope)) return false
  const { role } = workspaceOf(me) ?? {}
  if (scope.endsWith(':read')) return true
  return scope === 'admin' ? role === 'admin' || me.operator : role === 'admin' || role === 'member'
}

/** The workspace that lists are narrowed to; undefined where there is only one to see. */
export function narrowedTo(me: Me): number | undefined {
  return me.workspaces.length < 2 ? undefined : workspaceOf(me)?.id
}

/** Where new things go: what he chose, or the first. */
export function workspaceOf(me: Me): Me['workspaces'][number] | undefined {
  const chosen = kept<number>('workspace').read()
  return me.workspaces.find(({ id }) => id === chosen) ?? me.workspaces.toSorted((a, b) => a.id - b.id)[0]
}
