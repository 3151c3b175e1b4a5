/** `millrace users …`, `workspaces …`, `tokens …`: as the person at the keyboard, who has the database’s credentials. */
import { createInterface } from 'node:readline/promises'
import { Writable } from 'node:stream'
import { Refusal, type Engine, type Role } from '@millrace/engine'
import { mustBeGood } from '../access/passwords.ts'
import {
  addUser,
  addWorkspace,
  disableUser,
  ensureFirst,
  LINK_HOURS,
  listKeys,
  listMembers,
  listUsers,
  listWorkspaces,
  makeKey,
  makeLink,
  resetPassword,
  revokeKey,
  setRole,
  userNamed,
  workspaceNamed,
} from '../access/people.ts'
import type { Scope } from '../access/signed-in.ts'
import { operator } from '../app.ts'
import type { Config } from '../config.ts'
import { remark, say, table, when } from './screen.ts'
import { withApp } from './session.ts'

export async function usersList(options: { json?: boolean }): Promise<number> {
  return withApp(async ({ engine }) => {
    const users = await listUsers(engine, operator)
    const workspaces = await listWorkspaces(engine, operator)
    const rolesOf = new Map<number, string[]>()
    for (const { id, name } of workspaces) {
      for (const { user, role } of await listMembers(engine, operator, id)) {
        rolesOf.set(user, [...(rolesOf.get(user) ?? []), `${name}: ${role}`])
      }
    }
    if (options.json === true) {
      say(JSON.stringify(users.map((user) => ({ ...user, roles: rolesOf.get(user.id) ?? [] }))))
    } else if (users.length === 0) {
      say('There are no accounts yet. The first `millrace up` makes an admin; `millrace users add EMAIL` makes others.')
    } else {
      say(
        table(
          ['id', 'email', 'name', 'roles', ''],
          users.map((user) => [
            user.id,
            user.email,
            user.name,
            (rolesOf.get(user.id) ?? []).join(', '),
            [user.operator ? 'operator' : '', user.disabledAt === null ? '' : 'disabled'].filter(Boolean).join(', '),
          ]),
        ),
      )
    }
    return 0
  })
}

export async function usersAdd(
  email: string,
  options: { role: Role; workspace: string; name?: string; operator?: boolean },
): Promise<number> {
  return withApp(async ({ engine }, config) => {
    const workspace = await workspaceNamed(engine, operator, options.workspace)
    const { name } = options
    const user = await addUser(engine, operator, {
      email,
      operator: options.operator === true,
      ...(name === undefined ? {} : { name }),
    })
    await setRole(engine, operator, workspace.id, user, options.role)
    remark(`${email} is ${options.role} of ${workspace.name}.`)
    await tellLink(engine, config, user)
    return 0
  })
}

async function tellLink(engine: Engine, config: Config, user: number): Promise<void> {
  const token = await makeLink(engine, operator, user)
  const host = config.host.includes(':') ? `[${config.host}]` : config.host
  say(`${config.publicUrl?.origin ?? `http://${host}:${config.port}`}/sign-in?token=${token}`)
  remark(`It works once, within ${LINK_HOURS} hours, where \`millrace up\` serves.`)
}

export async function usersLink(email: string): Promise<number> {
  return withApp(async ({ engine }, config) => {
    await tellLink(engine, config, (await userNamed(engine, operator, email)).id)
    return 0
  })
}

export async function usersPassword(email: string): Promise<number> {
  return withApp(async ({ engine }) => {
    const user = await userNamed(engine, operator, email)
    const password = await readPassword()
    mustBeGood(password, user)
    await resetPassword(engine, operator, user.id, password)
    say(`${email} signs in with the new password; where he was signed in he is no more.`)
    return 0
  })
}

/** From a terminal twice and unseen; else the first line. */
async function readPassword(): Promise<string> {
  const terminal = process.stdin.isTTY
  const unseen = new Writable({ write: (_chunk, _encoding, next) => next() })
  const lines = createInterface({ input: process.stdin, ...(terminal ? { output: unseen, terminal } : {}) })
  try {
    const line = async (prompt: string) => {
      if (terminal) process.stderr.write(prompt)
      const said = await lines.question('')
      if (terminal) process.stderr.write('\n')
      return said
    }
    if (!terminal) {
      for await (const first of lines) return first
      return ''
    }
    const first = await line('New password: ')
    if (first === (await line('Once more: '))) return first
    throw new Refusal('NOT_THE_SAME', 'The two were not the same; nothing was changed.')
  } finally {
    lines.close()
  }
}

export async function usersDisable(email: string, disabled: boolean): Promise<number> {
  return withApp(async ({ engine }) => {
    await disableUser(engine, operator, (await userNamed(engine, operator, email)).id, disabled)
    say(disabled ? `${email} is let in no more.` : `${email} may sign in again: \`millrace users link ${email}\`.`)
    return 0
  })
}

export async function workspacesList(options: { json?: boolean }): Promise<number> {
  return withApp(async ({ engine }) => {
    const all = await listWorkspaces(engine, operator)
    const rows = await Promise.all(
      all.map(async ({ id, name }) => ({ id, name, members: (await listMembers(engine, operator, id)).length })),
    )
    if (options.json === true) say(JSON.stringify(rows))
    else
      say(
        table(
          ['id', 'name', 'members'],
          rows.map((row) => [row.id, row.name, row.members]),
        ),
      )
    return 0
  })
}

export async function workspacesAdd(name: string): Promise<number> {
  return withApp(async ({ engine }) => {
    const id = await addWorkspace(engine, operator, name)
    say(`Workspace ${id} is ${name}.`)
    remark(`\`millrace users add EMAIL --workspace ${name} --role admin\` lets somebody in.`)
    return 0
  })
}

export async function tokensList(options: { json?: boolean }): Promise<number> {
  return withApp(async ({ engine }) => {
    const [keys, users, workspaces] = await Promise.all([
      listKeys(engine, operator),
      listUsers(engine, operator),
      listWorkspaces(engine, operator),
    ])
    if (options.json === true) say(JSON.stringify(keys))
    else if (keys.length === 0)
      say('There are no keys yet. `millrace tokens create --name N --scope runs:read` makes one.')
    else {
      say(
        table(
          ['id', 'name', 'whose', 'where', 'scopes', 'used', 'ends'],
          keys.map((key) => [
            key.id,
            key.name,
            users.find((user) => user.id === key.user)?.email ?? '',
            key.workspace === null ? 'everywhere' : (workspaces.find((one) => one.id === key.workspace)?.name ?? ''),
            key.scopes.join(','),
            key.usedAt === null ? 'never' : when(key.usedAt),
            key.revokedAt === null ? when(key.expiresAt) : 'revoked',
          ]),
        ),
      )
    }
    return 0
  })
}

export async function tokensCreate(options: {
  name: string
  scope: readonly Scope[]
  expires: number
  workspace?: string
  user?: string
}): Promise<number> {
  return withApp(async ({ engine }) => {
    const whose =
      options.user === undefined ? await firstOperator(engine) : await userNamed(engine, operator, options.user)
    const workspace =
      options.workspace === undefined ? undefined : (await workspaceNamed(engine, operator, options.workspace)).id
    const made = await makeKey(engine, operator, {
      user: whose.id,
      name: options.name,
      scopes: options.scope,
      workspace,
      days: options.expires,
    })
    say(made.text)
    remark(
      `This is the only time that it is shown. It is ${whose.email}’s; \`millrace tokens revoke ${made.id}\` ends it.`,
    )
    return 0
  })
}

async function firstOperator(engine: Engine) {
  await ensureFirst(engine, operator)
  const first = (await listUsers(engine, operator)).find((user) => user.operator && user.disabledAt === null)
  if (first !== undefined) return first
  throw new Refusal('NO_SUCH_USER', 'There is no operator.', { remedy: 'Say whose it is: --user EMAIL.' })
}

export async function tokensRevoke(id: string): Promise<number> {
  return withApp(async ({ engine }) => {
    await revokeKey(engine, operator, id)
    say(`${id} opens nothing any more.`)
    return 0
  })
}
