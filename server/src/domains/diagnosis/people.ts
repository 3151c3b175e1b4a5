/**
 * Who is who in a practice.  The program that has verified a subject asks for the
 * claims here and puts them beside the workspaces; nobody who signs in can write them.
 */
import type { Api, Principal } from '@millrace/engine'

/** What the walls of this domain read. */
export interface DiagnosisClaims {
  readonly organisations?: Readonly<Record<string, 'admin'>>
  readonly clinician?: string
  readonly patient?: string
}

export interface DiagnosisPrincipal extends Principal {
  readonly diagnosis?: DiagnosisClaims
}

/** No rights of his own: for the question who he is. */
const NOBODY: Principal = { sub: 'sign-in', workspaces: {} }

/** Somebody who has signed in, with what he may see of records.  Who runs the installation sees none by it. */
export async function withClaims(api: Pick<Api, 'as'>, who: Principal): Promise<DiagnosisPrincipal> {
  if (who.operator === true) return who
  return { ...who, diagnosis: (await principalOf(api, who.sub)).diagnosis ?? {} }
}

/**
 * What a verified subject may.  Clinicians and administrators are members of their
 * organisation's workspace, because asking for a diagnosis starts a run there;
 * patients are members of none.
 */
export async function principalOf(api: Pick<Api, 'as'>, subject: string): Promise<DiagnosisPrincipal> {
  const { rows } = await api.as(NOBODY, (tx) =>
    tx.query<{ claims: DiagnosisClaims; workspaces: string[] }>(
      'select diagnosis.claims_of($1) as claims, diagnosis.workspaces_of($1) as workspaces',
      [subject],
    ),
  )
  const { claims = {}, workspaces = [] } = rows[0] ?? {}
  return {
    sub: subject,
    workspaces: Object.fromEntries(workspaces.map((workspace) => [workspace, 'member' as const])),
    diagnosis: claims,
  }
}

/**
 * Before a page is read house by house.  PostgreSQL is told that a house has few rows,
 * for who administers none; where it has many it would then fetch and sort them all
 * instead of walking the index that has them in order.
 */
export const IN_ORDER = 'set local enable_sort = off'
