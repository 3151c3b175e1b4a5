/** How everything is, and which models can be asked. */
import type { OfferedModel } from '../providers/offers.ts'
import { modelsOffered, withVersions } from '../providers/offers.ts'
import type { ProviderHealth as SeenProvider } from '../providers/health.ts'
import { queueHealth, type QueueHealth as SeenQueue } from '../runs/queue.ts'
import type { WorkerSeen } from '../runs/workers.ts'
import {
  systemHealth,
  workerHealth,
  type SystemHealth as SeenSystem,
  type WorkerHealth as SeenWorkers,
} from '../http/health-facts.ts'
import { builder, who } from './builder.ts'

const AvailableModel = builder.objectRef<OfferedModel>('AvailableModel').implement({
  fields: (t) => ({
    id: t.exposeID('model', { description: 'Its name without provider and version.' }),
    providerId: t.exposeString('providerId'),
    displayName: t.string({ resolve: ({ model }) => model }),
    description: t.exposeString('description'),
    versions: t.stringList({ resolve: ({ versions }) => [...versions] }),
    defaultVersion: t.exposeString('defaultVersion', { nullable: true }),
    isAvailable: t.exposeBoolean('available'),
  }),
})

const Provider = builder.objectRef<SeenProvider>('Provider').implement({
  fields: (t) => ({
    id: t.exposeID('id'),
    name: t.exposeString('name'),
    configured: t.exposeBoolean('configured'),
    connected: t.exposeBoolean('connected'),
    error: t.string({ nullable: true, resolve: ({ error }) => error?.message ?? null }),
    checkedAt: t.exposeString('checkedAt'),
  }),
})

const ProviderHealth = builder.objectRef<{ providers: readonly SeenProvider[] }>('ProviderHealth').implement({
  fields: (t) => ({
    providers: t.field({ type: [Provider], resolve: ({ providers }) => [...providers] }),
  }),
})

const QueueHealth = builder.objectRef<SeenQueue>('QueueHealth').implement({
  fields: (t) => ({
    running: t.exposeBoolean('running', { description: 'A worker is alive.' }),
    pending: t.exposeInt('pending'),
    active: t.exposeInt('active'),
    held: t.exposeInt('held'),
    due: t.exposeInt('due'),
    completedLastHour: t.exposeFloat('completedLastHour'),
    failedLastHour: t.exposeFloat('failedLastHour'),
    completedLastDay: t.exposeFloat('completedLastDay'),
    failedLastDay: t.exposeFloat('failedLastDay'),
    successRate: t.exposeFloat('successRate', { nullable: true }),
    oldestWaiting: t.exposeFloat('oldestWaiting', { nullable: true, description: 'Seconds.' }),
  }),
})

const Worker = builder.objectRef<WorkerSeen>('Worker').implement({
  fields: (t) => ({
    id: t.exposeID('id'),
    name: t.exposeString('name'),
    state: t.exposeString('state', { description: 'alive, stale or gone.' }),
    kinds: t.stringList({ resolve: ({ kinds }) => [...kinds] }),
    slots: t.exposeInt('slots'),
    running: t.exposeInt('running'),
    seenAt: t.expose('seenAt', { type: 'DateTime' }),
  }),
})

const Python = builder.objectRef<SeenWorkers['python']>('Python').implement({
  fields: (t) => ({
    healthy: t.exposeBoolean('healthy'),
    version: t.exposeString('version', { nullable: true }),
    missing: t.stringList({ resolve: ({ missing }) => [...missing] }),
    warnings: t.stringList({ resolve: ({ warnings }) => [...warnings] }),
  }),
})

const WorkerHealth = builder.objectRef<SeenWorkers>('WorkerHealth').implement({
  fields: (t) => ({
    alive: t.exposeInt('alive'),
    stale: t.exposeInt('stale'),
    slots: t.exposeInt('slots'),
    busy: t.exposeInt('busy'),
    workers: t.field({ type: [Worker], resolve: ({ workers }) => [...workers] }),
    python: t.expose('python', { type: Python, description: 'That this program would use.' }),
  }),
})

const SystemHealth = builder.objectRef<SeenSystem>('SystemHealth').implement({
  fields: (t) => ({
    status: t.exposeString('status', { description: 'ok or degraded.' }),
    problems: t.stringList({ resolve: ({ problems }) => [...problems] }),
    uptime: t.exposeFloat('uptime', { description: 'Seconds.' }),
    node: t.exposeString('node'),
    postgres: t.exposeString('postgres'),
    databaseBytes: t.float({ resolve: ({ database }) => database.bytes }),
    connections: t.int({ resolve: ({ database }) => database.connections }),
    readers: t.exposeInt('readers', { description: 'Who follows live.' }),
  }),
})

builder.queryFields((t) => ({
  availableModels: t.field({
    type: [AvailableModel],
    description: 'Models that can be asked, as their providers list them.',
    async resolve(_, __, asking) {
      who(asking, 'runs:read')
      return withVersions(await modelsOffered(asking.house.catalogue))
    },
  }),
  providerHealth: t.field({
    type: ProviderHealth,
    async resolve(_, __, asking) {
      who(asking, 'runs:read')
      return asking.house.providerHealth()
    },
  }),
  queueHealth: t.field({
    type: QueueHealth,
    resolve: (_, __, asking) => asking.house.engine.as(who(asking, 'runs:read'), queueHealth),
  }),
  workerHealth: t.field({
    type: WorkerHealth,
    resolve: (_, __, asking) => workerHealth(asking.house, who(asking, 'runs:read')),
  }),
  systemHealth: t.field({
    type: SystemHealth,
    resolve: (_, __, asking) => systemHealth(asking.house, who(asking, 'runs:read')),
  }),
}))
