/**
 * Who may ask what: every route of the contract × everybody who may come, on rows
 * that somebody else sees.  A route that nobody has put into a class here fails.
 */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { addUser, makeKey, makeLink, setRole } from '../src/access/people.ts'
import { SCOPES } from '../src/access/signed-in.ts'
import { operator } from '../src/app.ts'
import { definition } from '../testing/bench.ts'
import { definitionText } from '../testing/probe.ts'
import { filled, operationsOf, type Operation } from './http-operations.ts'
import { cardCases, type Case, type Class } from './http-rights-cards.ts'
import { openHttpStage, type Answer, type HttpStage } from './http-stage.ts'

const CANARY = 'Canary7f3'
const ME = { viewer: 0, member: 0, admin: 0, operator: 0, elsewhere: 0 }
type Person = keyof typeof ME
const PEOPLE = Object.keys(ME) as Person[]

let stage: HttpStage
const cookies = new Map<Person, string>()
let run = 0
let definitionId = 0
let artifact = 0
let made = 0

async function somebody(name: string): Promise<number> {
  made += 1
  return addUser(stage.engine, operator, { email: `${CANARY}-${name}-${made}@example.org`.toLowerCase() })
}

beforeAll(async () => {
  stage = await openHttpStage()
  await stage.db.sql("insert into engine.workspaces (name) values ('second') on conflict do nothing")
  for (const person of PEOPLE) {
    const email = `${CANARY}-${person}@example.org`.toLowerCase()
    const id = await addUser(stage.engine, operator, { email, operator: person === 'operator' })
    ME[person] = id
    const [workspace, role] =
      person === 'elsewhere' ? ([2, 'admin'] as const) : ([1, person === 'operator' ? 'admin' : person] as const)
    await setRole(stage.engine, { ...operator, workspaces: { 1: 'admin', 2: 'admin' } }, workspace, id, role)
    const token = await makeLink(stage.engine, operator, id)
    const signed = await stage.raw('/api/sign-in/link', { as: null, body: { token } })
    cookies.set(person, /^[^;]+/.exec(signed.headers.get('set-cookie') ?? '')?.[0] ?? '')
  }
  await somebody('lonely')
  const kept = await ask('operator', 'POST', '/api/definitions', definition(definitionText(2, 0, CANARY)))
  definitionId = kept.body.id
  await ask('operator', 'POST', '/api/cards', { title: CANARY })
  const skill = { action: 'create', name: CANARY, description: CANARY, promptTemplate: 'Do it.' }
  await ask('operator', 'POST', '/api/skills', skill)
  const worker = await stage.work()
  run = await startRun({ hold: false })
  await stage.ended(run)
  await worker.drain(0)
  await stage.db.sql(
    `with b as (insert into engine.blobs (workspace_id, digest, size, begun_at) values (1, '\\x01', 1, now()) returning id),
          c as (insert into engine.chunks (blob_id, i, workspace_id, bytes) select id, 0, 1, '\\x41' from b)
     insert into engine.artifacts (workspace_id, run_id, n, attempt, name, media_type, blob_id, at)
     select 1, $1, 1, 1, '${CANARY}', 'text/plain', id, now() from b`,
    [run],
  )
  const [row] = await stage.db.sql<{ id: number }>('select id::int from engine.artifacts')
  artifact = row?.id ?? 0
  await stage.engine.limits.set(operator, CANARY, { concurrency: 3 })
}, 60_000)
afterAll(() => stage?.close())

const startRun = async ({ hold = true } = {}) =>
  (await ask('operator', 'POST', '/api/runs', { definitionId, models: ['fake:a'], hold })).body.run.id as number
const cancelled = async () => {
  const id = await startRun()
  await ask('operator', 'POST', `/api/runs/${id}/cancel`)
  return id
}

function ask(as: Person | { bearer: string } | null, method: string, path: string, body?: unknown): Promise<Answer> {
  const headers: Record<string, string> =
    as === null
      ? {}
      : typeof as === 'object'
        ? { authorization: `Bearer ${as.bearer}` }
        : { cookie: cookies.get(as) ?? '', 'sec-fetch-site': 'same-origin' }
  const text = typeof body === 'string' ? { 'content-type': 'application/yaml' } : {}
  return stage.ask(path, {
    as: null,
    method,
    headers: { ...headers, ...text },
    ...(body === undefined ? {} : { body }),
  })
}

const ALLOWED: Record<Class, readonly Person[]> = {
  open: PEOPLE,
  self: PEOPLE,
  viewer: ['viewer', 'member', 'admin', 'operator'],
  member: ['member', 'admin', 'operator'],
  admin: ['admin', 'operator'],
  operator: ['operator'],
}

const onHeld = { place: async () => ({ id: await startRun() }) }
const onCancelled = { place: async () => ({ id: await cancelled() }) }
const onRun = { place: async () => ({ id: run, n: 1, artifact }) }
const onDefinition = { place: async () => ({ id: definitionId }) }
const newDefinition = {
  place: async () => ({
    id: (await ask('operator', 'POST', '/api/definitions', definition(definitionText(1, 0, CANARY)))).body.id as number,
  }),
}
const newSkill = {
  place: async () => ({
    id: (
      await ask('operator', 'POST', '/api/skills', {
        action: 'create',
        name: `${CANARY}-${(made += 1)}`,
        description: CANARY,
        promptTemplate: 'Do it.',
      })
    ).body.skill.id as number,
  }),
}
const inline = { definition: definition(definitionText(1)), models: ['fake:a'], hold: true }
const member = async () => {
  const user = await somebody('member')
  await setRole(stage.engine, operator, 1, user, 'viewer')
  return { id: 1, user }
}
/** Asked with workers, tools and records in tests of their own. */
const ELSEWHERE = new Set(
  (
    'toolHealth getTool callTool listToolJobs getToolJob getToolResult cancelToolJob askDiagnosis listDiagnoses ' +
    'getDiagnosis auditDiagnosis processDiagnosis retryDiagnosis listOrganisations listClinicians listPatients ' +
    'listAssessments listPeople appointPerson dismissPerson listAppointments exportDiagnoses'
  ).split(' '),
)
const self = { class: 'self', skip: true } as const
const everywhere = { everywhere: true } as const

const CASES: Readonly<Record<string, Case>> = {
  signIn: { class: 'open', skip: true },
  useLink: { class: 'open', skip: true },
  signOut: { class: 'open', skip: true },
  whoAmI: self,
  rename: { ...self, body: { name: 'Ada' } },
  setPassword: { ...self, body: { next: 'a password of some length' } },
  listSessions: self,
  endOtherSessions: self,
  endSession: { ...self, place: async () => ({ id: 1 }) },
  listKeys: self,
  createKey: { ...self, body: { name: 'k', scopes: ['runs:read'] } },
  revokeKey: self,
  listWorkspaces: { class: 'self' },
  createWorkspace: { class: 'operator', body: () => ({ name: `w-${(made += 1)}` }) },
  listMembers: { class: 'admin', place: async () => ({ id: 1 }), mark: `${CANARY}-operator`.toLowerCase() },
  listNames: { class: 'viewer', place: async () => ({ id: 1 }), mark: `${CANARY}-operator`.toLowerCase() },
  setRole: { class: 'admin', place: member, body: { role: 'viewer' } },
  removeMember: { class: 'admin', place: member },
  listInvitations: { class: 'admin', place: async () => ({ id: 1 }) },
  invite: {
    class: 'admin',
    place: async () => ({ id: 1 }),
    body: () => ({ email: `${CANARY}-${(made += 1)}@example.org`.toLowerCase(), role: 'viewer' }),
  },
  withdrawInvitation: {
    class: 'admin',
    async place() {
      const email = `${CANARY}-${(made += 1)}@example.org`.toLowerCase()
      await ask('operator', 'POST', '/api/workspaces/1/invitations', { email, role: 'viewer' })
      const { body } = await ask('operator', 'GET', '/api/workspaces/1/invitations')
      return { id: body.invitations.find((one: { email: string }) => one.email === email).id }
    },
  },
  listUsers: { class: 'operator', mark: `${CANARY}-lonely`.toLowerCase() },
  createUser: { class: 'operator', body: () => ({ email: `${CANARY}-${(made += 1)}@example.org`.toLowerCase() }) },
  createSignInLink: { class: 'operator', place: async () => ({ id: await somebody('link') }) },
  disableUser: { class: 'operator', place: async () => ({ id: await somebody('off') }), body: { disabled: true } },
  listAudit: { class: 'admin', mark: '"workspace":1' },
  getInput: { ...onRun, mark: CANARY },
  listFailures: onRun,
  getTimeline: { ...onRun, mark: '"run.succeeded"' },
  auditRun: { ...onRun, mark: '"run.queued"' },
  listRuns: { mark: CANARY },
  countRuns: { mark: '"succeeded"' },
  startRun: { body: inline, ...everywhere },
  startTestRun: { body: inline, ...everywhere },
  dryRun: { body: { definition: inline.definition, models: ['fake:a'] }, ...everywhere },
  listKinds: everywhere,
  startRunOfKind: {
    place: async () => ({ kind: 'chat' }),
    body: { input: { model: 'fake:a', messages: [{ role: 'user', content: 'x' }] }, hold: true },
    ...everywhere,
  },
  pauseRun: onHeld,
  resumeRun: onHeld,
  cancelRun: onHeld,
  actOnRun: { ...onHeld, body: { action: 'cancel' } },
  resumeRuns: { ...onHeld, body: (place: { id?: number }) => ({ runs: [place.id] }) },
  pauseRuns: { ...onHeld, body: (place: { id?: number }) => ({ runs: [place.id] }) },
  cancelRuns: { ...onHeld, body: (place: { id?: number }) => ({ runs: [place.id] }) },
  retryRun: onCancelled,
  rerun: { ...onCancelled, body: { hold: true } },
  setBudget: { ...onHeld, body: { tokens: 5_000 } },
  analyseRun: onRun,
  overrideDecision: { ...onRun, body: { decision: 'refusal' } },
  compareRuns: { query: () => `?runs=${run},${run + 1}` },
  listDefinitions: { mark: CANARY },
  createDefinition: { body: definition(definitionText(1)), ...everywhere },
  importDefinition: { body: definitionText(1), ...everywhere },
  checkDefinition: { body: definition(definitionText(1)), ...everywhere },
  draftDefinition: { body: { yaml: definitionText(1) }, ...everywhere },
  editDefinition: { ...newDefinition, body: { set: { tags: ['x'] } } },
  deleteDefinition: newDefinition,
  forkDefinition: { ...newDefinition, body: {} },
  listModels: everywhere,
  listProviderKeys: { class: 'operator' },
  setProviderKey: { class: 'operator', place: async () => ({ provider: 'openai' }), body: { key: 'abc' } },
  removeProviderKey: {
    class: 'operator',
    async place() {
      await ask('operator', 'PUT', '/api/provider-keys/openai', { key: 'abc' })
      return { provider: 'openai' }
    },
  },
  listLimits: { class: 'operator', mark: CANARY },
  setLimit: { class: 'operator', place: async () => ({ key: CANARY }), body: { concurrency: 3 } },
  stopLimit: { class: 'operator', place: async () => ({ key: CANARY }) },
  releaseLimit: { class: 'operator', place: async () => ({ key: CANARY }) },
  getUsage: { query: () => '?by=run', mark: '"calls":2' },
  getWorkspaceBudget: { class: 'viewer', place: async () => ({ id: 1 }), mark: '"tokens":777' },
  setWorkspaceBudget: { class: 'admin', place: async () => ({ id: 1 }), body: { tokens: 777_000 } },
  // He sees those runs anyway.
  findOldRuns: { class: 'viewer', query: () => '?olderThanDays=0&kind=probe', mark: '"kind":"probe"' },
  pruneRuns: { class: 'admin', body: { olderThanDays: 300 }, ...everywhere },
  listTools: { class: 'viewer', ...everywhere },
  listSkills: { mark: CANARY },
  getSkill: newSkill,
  getSkillFile: { ...newSkill, query: () => '?path=SKILL.md' },
  bringSkills: { body: { action: 'sync' }, ...everywhere },
  judgeSkill: { class: 'member', ...newSkill, body: { trustLevel: 'vetted' } },
  removeSkill: newSkill,
  getFeed: { skip: true },
  ...cardCases((method, path, body) => ask('operator', method, path, body), CANARY),
  isAlive: { class: 'open' },
  isReady: { class: 'open' },
  health: { class: 'open' },
  metrics: { class: 'open', skip: true },
  listWorkers: everywhere,
  // What it does is asked in workers-api.test.ts.
  tendWorkers: { class: 'admin', body: { action: 'cleanup' }, ...everywhere },
  workerHealth: everywhere,
  queueHealth: everywhere,
  providerHealth: everywhere,
  lookAtProviders: { class: 'admin', ...everywhere },
  systemHealth: everywhere,
}

/** Runs and definitions are classed by their scope; whatever is otherwise says so above. */
function caseOf({ id, path, scope, method }: Operation): Case & { class: Class } {
  const given = CASES[id] ?? (ELSEWHERE.has(id) ? ({ class: 'member', skip: true } as const) : {})
  const byScope =
    scope?.endsWith(':read') === true ? 'viewer' : scope?.endsWith(':write') === true ? 'member' : undefined
  const found = given.class ?? byScope
  if (found === undefined) throw new Error(`${id} (${method} ${path}) is in no class: say who may ask it`)
  const place = path.includes('/definitions/{id}') ? onDefinition : path.includes('{id}') ? onRun : {}
  return { ...place, ...given, class: found }
}

test('each route answers who may ask it, and nobody else, on rows that somebody sees', async () => {
  // A second run to compare with.
  const worker = await stage.work()
  await stage.ended(await startRun({ hold: false }))
  await worker.drain(0)
  await stage.engine.budgets.set(operator, { workspace: 1 }, { tokens: 777_000 })
  const wrong: string[] = []
  let cells = 0
  const all = await operationsOf(stage)
  for (const operation of all) {
    const { id, method, path, scope } = operation
    const { class: of, place = async () => ({}), query, body, mark, everywhere: anywhere, skip } = caseOf(operation)
    const say = (who: string, { status, text }: Answer, what: string) =>
      wrong.push(`${id} as ${who}: ${what}, but ${status} ${text.slice(0, 160)}`)
    const request = async (as: Parameters<typeof ask>[0], at: Record<string, string | number>) => {
      cells += 1
      const sent: unknown = typeof body === 'function' ? (body as (place: object) => unknown)(at) : body
      return ask(as, method, `${filled(path, at)}${query?.() ?? ''}`, sent)
    }
    if (of === 'open') {
      if (skip === true) continue
      const answer = await request(null, await place())
      if (answer.status === 401) say('nobody', answer, 'it is open')
      continue
    }
    const target = await place()
    const nobody = await request(null, target)
    if (nobody.status !== 401) say('nobody', nobody, '401')
    if (scope !== undefined) {
      const rest = SCOPES.filter((one) => one !== scope)
      const { text: key } = await makeKey(
        stage.engine,
        { sub: `user:${ME.operator}`, workspaces: { 1: 'admin' }, operator: true },
        { user: ME.operator, name: 'k', scopes: rest, days: 1 },
      )
      const answer = await request({ bearer: key }, target)
      if (answer.status !== 403 || answer.body?.code !== 'MISSING_SCOPE') say(`a key without ${scope}`, answer, '403')
    }
    if (skip === true) continue
    const may = ALLOWED[of]
    for (const person of PEOPLE) {
      if (may.includes(person) || (anywhere === true && person === 'elsewhere')) continue
      const answer = await request(person, target)
      const refused = answer.status === 403 || answer.status === 404
      // One answer for many tells each end for itself; a list is empty for who sees nothing.
      const each =
        id.endsWith('Runs') && answer.body?.results?.every((one: { code: string | null }) => one.code !== null)
      const empty = method === 'GET' && !path.includes('{') && !answer.text.includes(mark ?? CANARY)
      const scant = mark !== undefined && method === 'GET' && !answer.text.includes(mark)
      const own = method === 'GET' && id === 'listInvitations' && !answer.text.includes(CANARY.toLowerCase())
      if (!refused && each !== true && !empty && !scant && !own) say(person, answer, 'it is not his')
    }
    const others: Person[] = anywhere === true ? [...new Set<Person>([...may, 'elsewhere'])] : [...may]
    for (const person of others) {
      const answer = await request(person, method === 'GET' ? target : await place())
      const many = answer.body?.results as { code: string | null }[] | undefined
      if (answer.status >= 300 || many?.some(({ code }) => code !== null) === true) say(person, answer, 'he may')
      else if (mark !== undefined && !answer.text.includes(mark)) say(person, answer, `it holds ${mark}`)
    }
  }
  expect(wrong).toEqual([])
  expect(all.length).toBeGreaterThan(85)
  expect(cells).toBeGreaterThan(450)
}, 120_000)
