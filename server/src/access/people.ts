/** People, workspaces, keys, invitations, and what was done with them: each as somebody, whose right the verbs ask. */
import { Refusal, type Engine, type Principal, type Role, type Tx } from '@millrace/engine'
import { ringPeople } from './access.ts'
import { keep } from './passwords.ts'
import { toldOf } from './refusals.ts'
import { digestOf, newKey, newSecret } from './secrets.ts'
import type { Scope } from './signed-in.ts'

export interface User {
  readonly id: number
  readonly email: string
  readonly name: string
  readonly operator: boolean
  readonly disabledAt: Date | null
  readonly createdAt: Date
}

export interface Workspace {
  readonly id: number
  readonly name: string
  /** Of who asks; null for an operator who is not in it. */
  readonly role: Role | null
}

export interface Key {
  readonly id: string
  readonly user: number
  readonly workspace: number | null
  readonly name: string
  readonly scopes: string[]
  readonly createdAt: Date
  readonly expiresAt: Date
  readonly usedAt: Date | null
  readonly revokedAt: Date | null
}

export interface Session {
  readonly id: number
  readonly agent: string
  readonly createdAt: Date
  readonly seenAt: Date
  readonly expiresAt: Date
}

export interface Member {
  readonly user: number
  readonly email: string
  readonly name: string
  readonly role: Role
  readonly disabled: boolean
}

export interface Invitation {
  readonly id: number
  readonly email: string
  readonly role: Role
  readonly expiresAt: Date
}

export interface Noted {
  readonly id: number
  readonly at: Date
  readonly workspace: number | null
  readonly actor: string
  readonly action: string
  readonly user: number | null
  readonly target: string | null
  readonly address: string | null
}

/** Hours for which a link is good. */
export const LINK_HOURS = 24

const list =
  <R extends object>(text: string) =>
  async (engine: Engine, who: Principal, ...values: unknown[]): Promise<R[]> =>
    (await engine.as(who, (tx: Tx) => tx.query(text, values))).rows as R[]

async function change<T>(engine: Engine, who: Principal, call: string, values: unknown[]): Promise<T> {
  try {
    const run = (tx: Tx) => tx.query<{ done: T }>(`select people.${call} as done`, values)
    return (await engine.as(who, run, ringPeople)).rows[0]?.done as T
  } catch (error) {
    throw toldOf(error)
  }
}

/** Those that he may see: himself, his workspaces' if he is their admin, all as the operator. */
export const listUsers = list<User>(
  `select id, email, name, operator, disabled_at as "disabledAt", created_at as "createdAt" from people.users order by id`,
)

/** @throws Refusal NO_SUCH_USER */
export async function userNamed(engine: Engine, who: Principal, email: string): Promise<User> {
  const found = (await listUsers(engine, who)).find((user) => user.email === email.toLowerCase())
  if (found === undefined) {
    throw new Refusal('NO_SUCH_USER', 'There is no such account.', { remedy: '`millrace users list` shows them.' })
  }
  return found
}

export const addUser = (engine: Engine, who: Principal, user: { email: string; name?: string; operator?: boolean }) =>
  change<number>(engine, who, 'add_user($1, $2, $3)', [
    user.email,
    user.name ?? user.email.split('@')[0],
    user.operator ?? false,
  ])

export const disableUser = (engine: Engine, who: Principal, user: number, disabled: boolean) =>
  change<void>(engine, who, 'disable($1, $2)', [user, disabled])

/** For who forgot his; every session of him ends. */
export async function resetPassword(engine: Engine, who: Principal, user: number, password: string): Promise<void> {
  const { salt, memory, passes, lanes, verifier } = await keep(password)
  const values = [user, salt, memory, passes, lanes, verifier]
  await change(engine, who, 'reset_password($1, $2, $3, $4, $5, $6)', values)
}

/** The secret of a link with which somebody signs in once. */
export async function makeLink(engine: Engine, who: Principal, user: number): Promise<string> {
  const secret = newSecret()
  await change(engine, who, 'make_link($1, $2, $3)', [user, digestOf(secret), LINK_HOURS])
  return secret
}

/** On the first start an admin, and the secret of his link; undefined when somebody has signed in before. */
export async function firstLink(engine: Engine, who: Principal): Promise<string | undefined> {
  const secret = newSecret()
  return (await change<boolean>(engine, who, 'first($1)', [digestOf(secret)])) ? secret : undefined
}

/** An admin, if there is nobody yet. */
export const ensureFirst = (engine: Engine, who: Principal) => change<boolean>(engine, who, 'first($1)', [null])

export const listWorkspaces = list<Workspace>(
  `select w.id, w.name, access.claims() -> 'workspaces' ->> w.id::text as role from people.workspaces() w order by w.id`,
)

/** @throws Refusal NO_SUCH_WORKSPACE */
export async function workspaceNamed(engine: Engine, who: Principal, name: string): Promise<Workspace> {
  const found = (await listWorkspaces(engine, who)).find((one) => one.name === name)
  if (found !== undefined) return found
  throw new Refusal('NO_SUCH_WORKSPACE', 'There is no such workspace.', {
    remedy: '`millrace workspaces list` shows them.',
  })
}

export const addWorkspace = (engine: Engine, who: Principal, name: string) =>
  change<number>(engine, who, 'add_workspace($1)', [name])

export const listMembers = list<Member>(
  `select m.user_id as user, u.email, u.name, m.role, u.disabled_at is not null as disabled
     from people.memberships m join people.users u on u.id = m.user_id where m.workspace_id = $1 order by m.user_id`,
)

/** What those are called who work in a workspace; of one that he may not see, nobody. */
export const listNames = list<{ readonly user: number; readonly name: string }>(
  `select id as user, name from people.names($1) order by id`,
)

/** Null: he leaves. */
export const setRole = (engine: Engine, who: Principal, workspace: number, user: number, role: Role | null) =>
  change<void>(engine, who, 'set_role($1, $2, $3)', [workspace, user, role])

export async function invite(engine: Engine, who: Principal, workspace: number, email: string, role: Role) {
  const secret = newSecret()
  const values = [workspace, email, role, digestOf(secret), LINK_HOURS * 7]
  const id = await change<number>(engine, who, 'invite($1, $2, $3, $4, $5)', values)
  return { id, secret }
}

export const listInvitations = list<Invitation>(
  `select id, email, role, expires_at as "expiresAt" from people.links
    where workspace_id = $1 and used_at is null and expires_at > engine.clock() order by id`,
)

export const withdraw = (engine: Engine, who: Principal, invitation: number) =>
  change<void>(engine, who, 'withdraw_invitation($1)', [invitation])

/** His own; all as the operator. */
export const listKeys = list<Key>(
  `select id, user_id as user, workspace_id as workspace, name, scopes, created_at as "createdAt",
          expires_at as "expiresAt", used_at as "usedAt", revoked_at as "revokedAt"
     from people.keys order by created_at, id`,
)

/** The key itself is given here and never again. */
export async function makeKey(
  engine: Engine,
  who: Principal,
  key: { user: number; name: string; scopes: readonly Scope[]; workspace?: number | undefined; days: number },
): Promise<{ id: string; text: string }> {
  const { id, text, digest } = newKey()
  const values = [key.user, id, digest, key.name, key.scopes, key.workspace ?? null, key.days]
  await change(engine, who, 'make_key($1, $2, $3, $4, $5, $6, $7)', values)
  return { id, text }
}

export const revokeKey = (engine: Engine, who: Principal, id: string) =>
  change<void>(engine, who, 'revoke_key($1)', [id])

/** What oneself is called. */
export const rename = (engine: Engine, who: Principal, name: string) => change<void>(engine, who, 'rename($1)', [name])

export const listSessions = list<Session>(
  `select id, agent, created_at as "createdAt", seen_at as "seenAt", expires_at as "expiresAt" from people.sessions
    where ended_at is null and expires_at > engine.clock() order by seen_at desc, id desc`,
)

/** One, or with null all but the one whose secret is kept; gives how many ended. */
export const endSessions = (engine: Engine, who: Principal, session: number | null, kept?: string) =>
  change<number>(engine, who, 'end_sessions($1, $2)', [session, kept === undefined ? null : digestOf(kept)])

/** Newest first. */
export const listNoted = list<Noted>(
  `select id, at, workspace_id as workspace, actor, action, user_id as user, target, address from people.audit
    where ($1::bigint is null or id < $1) order by id desc limit $2`,
)
